//! The commands of one connection: taken in order from its socket, carried out one after the other, each answered.
//!
//! The queue is bounded, and so is the client's buffer for the answers. A command beyond the one is refused; where the
//! other is full, the next command waits for the client to read. Nothing is dropped without a word: a client that sends
//! on and on without reading is disconnected.

use std::{
    collections::VecDeque,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use serde::Serialize;
use serde_json::value::to_raw_value;
use socketioxide::{
    adapter::LocalAdapter,
    extract::AckSender,
    handler::{FromMessageParts, MessageHandler, Value},
    socket::Socket,
};
use tracing::Instrument;

use super::{Gateway, connection::Connection};
use crate::{
    protocol::{ClientCommand, CloseAction, ErrorCode, ProtocolError},
    server::limits::{Flood, Kind},
};

/// How long to wait where too many commands are waiting.
const SLOW_DOWN: Duration = Duration::from_secs(1);

/// How often a full buffer is tried again.
const RETRY: Duration = Duration::from_millis(20);

/// A command and where its answer goes.
pub(super) struct Pending {
    command: Result<ClientCommand, ProtocolError>,
    socket: Arc<Socket>,
    ack_id: Option<i64>,
}

/// The commands that wait, and whether a task is at work on them. It lives only while there are any.
#[derive(Default)]
pub(super) struct Intake {
    pub(super) waiting: VecDeque<Pending>,
    pub(super) running: bool,
}

/// Takes the events of one socket, in order, on its reader.
///
/// It listens from before the client is told that it is connected: a client that answers at once may be faster than the
/// task that is to accept the socket, and what nobody listens to is lost without a word. Such commands wait until
/// [`open`](Self::open).
#[derive(Clone)]
pub(super) struct Commands {
    gateway: Weak<super::Inner>,
    target: Arc<Mutex<Target>>,
}

/// Where commands go.
enum Target {
    /// The socket is not accepted yet.
    Early(Vec<Pending>),
    Connection(Weak<Connection>),
}

impl Commands {
    pub(super) fn early(gateway: &Gateway) -> Self {
        Self {
            gateway: Arc::downgrade(&gateway.0),
            target: Arc::new(Mutex::new(Target::Early(Vec::new()))),
        }
    }

    /// Gives the connection what came before it, and then what comes.
    pub(super) fn open(&self, connection: &Arc<Connection>) {
        let mut target = self.target();
        let next = Target::Connection(Arc::downgrade(connection));
        if let (Target::Early(early), Some(gateway)) =
            (mem::replace(&mut *target, next), self.gateway.upgrade())
        {
            // Under the lock, so that nothing overtakes them.
            let gateway = Gateway(gateway);
            early
                .into_iter()
                .for_each(|pending| gateway.take(connection, pending));
        }
    }

    /// The socket is not accepted.
    pub(super) fn shut(&self) {
        *self.target() = Target::Connection(Weak::new());
    }

    fn target(&self) -> MutexGuard<'_, Target> {
        self.target.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MessageHandler<LocalAdapter, ()> for Commands {
    fn call(&self, socket: Arc<Socket>, value: Value, ack_id: Option<i64>) {
        let Some(gateway) = self.gateway.upgrade().map(Gateway) else {
            return;
        };
        let config = &gateway.0.config;
        let pending = Pending {
            command: read(&value, config.max_message_bytes),
            socket,
            ack_id,
        };
        let connection = match &mut *self.target() {
            Target::Early(early) if early.len() < config.max_pending_commands => {
                early.push(pending);
                return;
            }
            Target::Early(_) => {
                // Nobody who means well sends so much before the first answer.
                let _ = pending.socket.disconnect();
                return;
            }
            Target::Connection(connection) => connection.upgrade(),
        };
        if let Some(connection) = connection {
            gateway.take(&connection, pending);
        }
    }
}

fn read(value: &Value, limit: usize) -> Result<ClientCommand, ProtocolError> {
    match value {
        Value::Str(text, _) if text.len() > limit => {
            let sentence = format!(
                "a message has at most {limit} bytes, this one has {}",
                text.len()
            );
            Err(ProtocolError::new(ErrorCode::TooLarge, sentence))
        }
        Value::Str(text, None) => ClientCommand::from_json(text),
        _ => {
            let sentence = "commands carry no binary data";
            Err(ProtocolError::new(ErrorCode::BadRequest, sentence))
        }
    }
}

impl Pending {
    /// Whether the client ends its session.
    pub(super) fn is_bye(&self) -> bool {
        matches!(self.command, Ok(ClientCommand::Bye))
    }

    /// Whether the client leaves rooms, or ends its session.
    fn is_leave(&self) -> bool {
        let command = self.command.as_ref();
        matches!(command, Ok(ClientCommand::Leave(_) | ClientCommand::Bye))
    }

    /// Acknowledges the command; where that was not asked for, a failure is a frame of its own. False where the
    /// client's buffer is full.
    fn answer(&self, connection: &Connection, done: &Result<(), ProtocolError>) -> bool {
        #[derive(Serialize)]
        #[serde(rename_all = "snake_case")]
        enum Answer<'a> {
            Ok(bool),
            Error(&'a ProtocolError),
        }
        match (self.ack_id, done) {
            (None, Ok(())) => true,
            (None, Err(error)) => connection.emit("error", error).is_ok(),
            (Some(id), done) => {
                let answer = done
                    .as_ref()
                    .map_or_else(Answer::Error, |()| Answer::Ok(true));
                let mut value = Value::Bytes(bytes::Bytes::new());
                let Ok(ack) = AckSender::from_message_parts(&self.socket, &mut value, &self.ack_id);
                let answer = to_raw_value(&answer).expect("answers are plain data");
                connection.acknowledge(ack, id, &answer).is_ok()
            }
        }
    }
}

/// Cuts the connection of a task that panicked: its commands would wait for ever.
struct Guard<'a>(&'a Connection);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.wire.cut();
        }
    }
}

impl Gateway {
    fn take(&self, connection: &Arc<Connection>, pending: Pending) {
        // Leaving is free: nobody stays behind because of a limit.
        if !pending.is_leave()
            && let Err(error) = self.within_limits(connection, Kind::Command, 1)
        {
            self.refuse_command(connection, pending, error);
            return;
        }
        let limit = self.0.config.max_pending_commands;
        let mut intake = connection.intake();
        if intake.waiting.len() >= limit {
            drop(intake);
            let sentence = format!("more than {limit} commands are waiting: slow down");
            let error = ProtocolError::new(ErrorCode::LimitExceeded, sentence);
            self.refuse_command(connection, pending, error.with_retry_after(SLOW_DOWN));
            return;
        }
        intake.waiting.push_back(pending);
        if !std::mem::replace(&mut intake.running, true) {
            drop(intake);
            let (gateway, connection) = (self.clone(), connection.clone());
            let user = &connection.key().user;
            let span = tracing::debug_span!("connection", id = connection.id.0, ?user);
            self.0
                .tasks
                .spawn(async move { gateway.work(&connection).await }.instrument(span));
        }
    }

    /// Whether the connection and its person may do so much more right now.
    pub(super) fn within_limits(
        &self,
        connection: &Connection,
        kind: Kind,
        n: u32,
    ) -> Result<(), ProtocolError> {
        let person = connection.key().user.as_ref();
        let checked = self.0.limiter.check(kind, &connection.limits, person, n);
        checked.map_err(|over| {
            if connection.limits.refused() == Flood::Disconnect {
                let sentence = "too much, again and again: come back later, and slower";
                let error = ProtocolError::new(ErrorCode::LimitExceeded, sentence);
                let later = self.0.config.limits.flood_window;
                connection.close_with(CloseAction::Retry, error.with_retry_after(later));
            }
            over.into()
        })
    }

    /// Answers a command ahead of its turn.
    fn refuse_command(&self, connection: &Connection, pending: Pending, error: ProtocolError) {
        let refusal = Err(error);
        if !pending.answer(connection, &refusal)
            && let Err(error) = refusal
        {
            connection.close_with(CloseAction::Retry, error);
        }
    }

    /// Enters the person into the host's rooms, before whatever the client asks for.
    pub(super) fn begin(&self, connection: &Arc<Connection>) {
        connection.intake().running = true;
        let (gateway, connection) = (self.clone(), connection.clone());
        self.0.tasks.spawn(async move {
            {
                let _guard = Guard(&connection);
                let joined = async {
                    gateway.hear_announcements(&connection).await;
                    gateway.auto_join(&connection).await;
                };
                tokio::select! {
                    () = joined => {}
                    () = gateway.0.stop.cancelled() => return,
                }
            }
            gateway.work(&connection).await;
        });
    }

    /// Carries out what waits, until nothing does.
    async fn work(&self, connection: &Arc<Connection>) {
        let _guard = Guard(connection);
        loop {
            let next = {
                let mut intake = connection.intake();
                let next = intake.waiting.pop_front();
                intake.running = next.is_some();
                next
            };
            let Some(mut pending) = next else { return };
            let ended = pending.is_bye();
            let command = std::mem::replace(&mut pending.command, Ok(ClientCommand::Bye));
            let done = async {
                let done = match command {
                    Ok(command) => self.carry_out(connection, command).await,
                    Err(error) => Err(error),
                };
                if let Err(error) = &done {
                    tracing::debug!(connection = connection.id.0, %error, "refused a command");
                }
                patiently(connection, || pending.answer(connection, &done)).await;
            };
            tokio::select! {
                () = done => {}
                () = self.0.stop.cancelled() => return,
            }
            if ended {
                let sentence = "the client ended its session";
                connection.close(CloseAction::Stop, ErrorCode::Ended, sentence);
            }
        }
    }
}

/// Tries until the client's buffer takes it, or the connection is over. A client that does not read is cut by its wire.
pub(super) async fn patiently(connection: &Connection, mut send: impl FnMut() -> bool) {
    while !send() && connection.is_open() {
        tokio::time::sleep(RETRY).await;
    }
}
