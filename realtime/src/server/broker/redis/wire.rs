//! Connections to a real Redis as the broker uses them.

use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use async_trait::async_trait;
use redis::{ErrorKind, PushInfo, PushKind, RedisError, RedisResult, ServerErrorKind, Value};

use super::{
    client::{Client, Connection},
    script::Script,
    transport::{Link, LinkError, Purpose, Push, Sink, Transport},
};
use crate::server::timings::Timings;

impl From<RedisError> for LinkError {
    fn from(error: RedisError) -> Self {
        // What one command cannot have, another may: such as memory, or a right. A server that is not the master any
        // more, or not yet ready, is none.
        let is_lost = !matches!(
            error.kind(),
            ErrorKind::Server(ServerErrorKind::ResponseError | ServerErrorKind::NoPerm)
        ) && error.code() != Some("OOM");
        Self {
            text: error.to_string(),
            is_lost,
        }
    }
}

#[async_trait]
impl Transport for Client {
    async fn open(&self, _: Purpose, sink: Sink) -> Result<Arc<dyn Link>, LinkError> {
        let ending = Ending::default();
        let ended = ending.clone();
        let pushes = move |push: PushInfo| {
            take(&sink, &push, &ended);
            Ok::<_, std::convert::Infallible>(())
        };
        let connection = Self::open(self, pushes).await?;
        let round_trips = self.round_trips.clone();
        Ok(Arc::new(Wire {
            connection,
            ending,
            round_trips,
        }))
    }
}

/// The channels that are being given up.
type Ending = Arc<Mutex<HashSet<String>>>;

fn take(sink: &Sink, push: &PushInfo, ending: &Ending) {
    match push.kind {
        PushKind::Message | PushKind::SMessage => {
            if let [Value::BulkString(channel), Value::BulkString(payload)] = &push.data[..]
                && let Ok(channel) = std::str::from_utf8(channel)
            {
                sink(Push::Message { channel, payload });
            }
        }
        PushKind::Disconnection => sink(Push::Lost),
        // A Cluster's server ends subscriptions by itself when their slots move.
        PushKind::SUnsubscribe => {
            let asked = push.data.first().is_some_and(|channel| match channel {
                Value::BulkString(channel) => {
                    let channel = String::from_utf8_lossy(channel);
                    let mut ending = ending.lock().unwrap_or_else(PoisonError::into_inner);
                    ending.remove(&*channel)
                }
                _ => true,
            });
            if !asked {
                sink(Push::Lost);
            }
        }
        _ => {}
    }
}

struct Wire {
    connection: Connection,
    ending: Ending,
    round_trips: Arc<Timings>,
}

impl Wire {
    /// Notes how long an answer takes, also one that says no.
    async fn timed<T>(&self, answer: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
        let began = Instant::now();
        let answer = answer.await;
        self.round_trips.took(began.elapsed());
        answer
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").finish_non_exhaustive()
    }
}

#[async_trait]
impl Link for Wire {
    async fn run(
        &self,
        script: &'static Script,
        keys: &[String],
        args: &[&[u8]],
    ) -> Result<Value, LinkError> {
        let mut connection = self.connection.clone();
        let command = |name, script: &str| {
            let mut command = redis::cmd(name);
            command.arg(script).arg(keys.len()).arg(keys).arg(args);
            command
        };
        let known = command("EVALSHA", &script.sha);
        match self.timed(known.query_async(&mut connection)).await {
            // It forgets scripts when it starts anew. This makes it remember.
            Err(error) if error.kind() == ServerErrorKind::NoScript.into() => {
                let unknown = command("EVAL", script.text);
                Ok(unknown.query_async(&mut connection).await?)
            }
            answer => Ok(answer?),
        }
    }

    async fn publish(&self, channel: &str, payload: &[u8]) -> Result<(), LinkError> {
        let name = if self.is_cluster() {
            "SPUBLISH"
        } else {
            "PUBLISH"
        };
        let mut connection = self.connection.clone();
        let mut command = redis::cmd(name);
        let command = command.arg(channel).arg(payload);
        Ok(self.timed(command.query_async(&mut connection)).await?)
    }

    async fn subscribe(&self, channels: &[String]) -> Result<(), LinkError> {
        Ok(self.connection.clone().subscribe(channels).await?)
    }

    async fn unsubscribe(&self, channels: &[String]) -> Result<(), LinkError> {
        // Elsewhere nothing ends by itself.
        if self.is_cluster() {
            let mut ending = self.ending.lock().unwrap_or_else(PoisonError::into_inner);
            ending.extend(channels.iter().cloned());
        }
        Ok(self.connection.clone().unsubscribe(channels).await?)
    }

    async fn ping(&self) -> Result<(), LinkError> {
        let mut connection = self.connection.clone();
        let _: Value = redis::cmd("PING").query_async(&mut connection).await?;
        Ok(())
    }

    async fn info(&self) -> Result<Vec<(Option<String>, String)>, LinkError> {
        let mut connection = self.connection.clone();
        let info: Value = redis::cmd("INFO").query_async(&mut connection).await?;
        let text = |value: Value| redis::from_redis_value::<String>(value).unwrap_or_default();
        Ok(match info {
            // Each of a Cluster's servers answers.
            Value::Map(servers) => servers
                .into_iter()
                .map(|(address, info)| (Some(text(address)), text(info)))
                .collect(),
            info => vec![(None, text(info))],
        })
    }

    async fn eviction_policy(&self) -> Option<String> {
        if self.is_cluster() {
            return None;
        }
        // A user may not be allowed to ask.
        let (_, info) = self.info().await.ok()?.pop()?;
        let policy = info
            .lines()
            .find_map(|line| line.strip_prefix("maxmemory_policy:"));
        policy.map(|policy| policy.trim().to_owned())
    }

    fn is_cluster(&self) -> bool {
        self.connection.is_cluster()
    }
}
