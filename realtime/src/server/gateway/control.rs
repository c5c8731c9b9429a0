//! What a host does to people and rooms, here and, through the control room, on every other node.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::{Gateway, rights::ENDED};
use crate::{
    protocol::{
        CloseAction, ErrorCode, JoinRoom, ProtocolError, RoomId, UnixMillis, UserId,
        reserved::control_room,
    },
    server::{
        control::{ControlEvent, Heard, Listener, Said, Ticket},
        hub::{Viewer, ViewerId},
    },
};

/// How long a host waits until other nodes can know.
const TELL_TIMEOUT: Duration = Duration::from_secs(2);

/// How long to wait where the control room cannot be read at all.
const RETRY: Duration = Duration::from_secs(1);

fn kicked() -> (CloseAction, ProtocolError) {
    let error = ProtocolError::new(ErrorCode::Kicked, "your session was ended");
    (CloseAction::Stop, error)
}

fn revoked() -> (CloseAction, ProtocolError) {
    let error = ProtocolError::new(ErrorCode::Unauthorized, ENDED);
    (CloseAction::SignIn, error)
}

impl Gateway {
    /// Other nodes can know, or will once the broker is back.
    async fn wait_told(&self, ticket: Ticket) {
        let told = self.0.control.queue.placed(ticket, TELL_TIMEOUT).await;
        if !told {
            tracing::warn!("other instances will hear of a change when the broker is back");
        }
    }

    /// Ends all of a person's sessions.
    pub(crate) async fn kick(&self, user: &UserId) {
        let ticket = self
            .0
            .control
            .tell(ControlEvent::Kick { user: user.clone() });
        let (action, error) = kicked();
        self.end_person(user, action, &error).await;
        self.wait_told(ticket).await;
    }

    /// As [`kick`](Self::kick), for sign-ins of which the store knows that they are over.
    pub(crate) async fn revoke(&self, user: &UserId, not_before: UnixMillis) {
        let user = user.clone();
        let ticket = self.0.control.tell(ControlEvent::Revoke {
            user: user.clone(),
            not_before,
        });
        let (action, error) = revoked();
        self.end_person(&user, action, &error).await;
        self.wait_told(ticket).await;
    }

    /// Checks a person's rights again.
    pub(crate) async fn recheck_everywhere(&self, user: &UserId) {
        let ticket = self
            .0
            .control
            .tell(ControlEvent::Recheck { user: user.clone() });
        self.recheck_person(user).await;
        self.wait_told(ticket).await;
    }

    /// Hides a person, or shows them.
    pub(crate) async fn set_invisible_everywhere(
        &self,
        user: &UserId,
        invisible: bool,
    ) -> Result<(), ProtocolError> {
        let ticket = self.set_invisible(user, invisible).await?;
        self.wait_told(ticket).await;
        Ok(())
    }

    /// Forgets what was kept of something in the host's database.
    pub(crate) async fn invalidate(&self, what: &str) {
        let ticket = self.0.control.tell(ControlEvent::Invalidate {
            what: what.to_owned(),
        });
        (self.0.callbacks.invalidated)(Some(what));
        self.wait_told(ticket).await;
    }

    /// Takes everyone out of a room, and forgets what happened in it.
    pub(crate) async fn close_room(&self, room: &RoomId) -> Result<(), ProtocolError> {
        let control = &self.0.control;
        let named = || room.clone();
        control.tell(ControlEvent::CloseRoom { room: named() });
        self.tell_and_wait(self.take_out(room)).await;
        let cleared = self.0.hub.broker().clear(room).await;
        // Whoever came meanwhile is in it.
        self.0.teller.mark_room(room);
        let ticket = control.tell(ControlEvent::RoomCleared { room: named() });
        self.wait_told(ticket).await;
        cleared.map_err(super::commands::unavailable)
    }

    /// Tells other nodes what is to be told, until the module ends.
    pub(super) async fn tell_control(self, stop: CancellationToken) {
        self.0.control.queue.run(self.0.hub.broker(), &stop).await;
    }

    /// Does what is said in the control room, until the module ends.
    pub(super) async fn follow_control(self, id: ViewerId, stop: CancellationToken) {
        let (listener, mut frames) = Listener::new(id);
        let viewer: Arc<dyn Viewer> = Arc::new(listener);
        let join = JoinRoom::new(control_room());
        let following = async {
            while let Err(error) = self.0.hub.join(&join, &viewer).await {
                tracing::warn!(%error, "what other instances say is not heard yet");
                tokio::time::sleep(RETRY).await;
            }
            while let Some(heard) = frames.next().await {
                for heard in heard {
                    self.hear(heard).await;
                }
            }
        };
        stop.run_until_cancelled(following).await;
    }

    async fn hear(&self, heard: Heard) {
        let position = match heard {
            Heard::Anew(position) => {
                (self.0.callbacks.invalidated)(None);
                self.recheck_everyone();
                position
            }
            Heard::Said(said, position) => {
                self.obey(said).await;
                position
            }
        };
        self.0.control.set_done(position);
    }

    /// Does what a node said, without waiting for anything that takes long. What this node said is done already.
    async fn obey(&self, said: Said) {
        let own = self.0.control.is_own(&said);
        match said.event {
            // Nodes may have written it at the same time: what is kept by now is true, to its own node too.
            ControlEvent::Invisible { user, invisible } => {
                if !self.0.store.is_shared() {
                    let kept = self.0.store.set_invisible(&user, invisible).await;
                    self.warn(kept);
                }
                self.0.changes.note(&user);
                self.recheck_record(user);
            }
            _ if own => {}
            ControlEvent::Kick { user } => {
                let (action, error) = kicked();
                self.0.teller.mark(self.end_now(&user, action, &error));
            }
            ControlEvent::Revoke { user, not_before } => {
                if !self.0.store.is_shared() {
                    let kept = self.0.store.set_not_before(&user, not_before).await;
                    self.warn(kept);
                }
                self.end_revoked(&user, not_before);
            }
            ControlEvent::Recheck { user } => {
                self.0.changes.note(&user);
                self.recheck_soon(user);
            }
            ControlEvent::Invalidate { what } => (self.0.callbacks.invalidated)(Some(&what)),
            ControlEvent::CloseRoom { room } => self.0.teller.mark(self.take_out(&room)),
            ControlEvent::RoomCleared { room } => self.0.teller.mark_room(&room),
            ControlEvent::Everything => {
                (self.0.callbacks.invalidated)(None);
                self.recheck_everyone();
            }
        }
    }

    fn warn(&self, kept: Result<(), crate::server::store::StoreError>) {
        if let Err(error) = kept {
            tracing::error!(%error, "what another instance said could not be kept");
        }
    }

    /// Ends a person's sessions that were signed in until then. It may be heard late: who has signed in since stays.
    pub(super) fn end_revoked(&self, user: &UserId, not_before: UnixMillis) {
        let (action, error) = revoked();
        self.0.changes.note(user);
        let over = |issued: Option<UnixMillis>| issued.is_none_or(|issued| issued <= not_before);
        let connections = self.0.sessions.connections_of(user);
        let (over, kept): (Vec<_>, Vec<_>) = connections
            .into_iter()
            .partition(|connection| over(connection.issued()));
        if kept.is_empty() {
            self.0.teller.mark(self.end_now(user, action, &error));
            return;
        }
        for connection in over {
            connection.close(action, error.code, &error.message);
            self.end(&connection);
        }
    }
}
