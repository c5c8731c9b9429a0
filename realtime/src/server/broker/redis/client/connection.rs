//! An open connection, whatever is at the other end.

use futures::{StreamExt, TryStreamExt, stream};
use redis::{
    Cmd, Pipeline, RedisFuture, RedisResult, Value,
    aio::{ConnectionLike, MultiplexedConnection},
    cluster_async::ClusterConnection,
};

/// How many channels one `SUBSCRIBE` names: it is answered within one time-out.
const CHANNELS_AT_ONCE: usize = 500;

/// How many `SSUBSCRIBE`s are on their way at once; the Cluster's client has room for 100 commands.
const COMMANDS_AT_ONCE: usize = 64;

/// An open connection. Clones share it; with the last of them it is closed.
#[derive(Clone)]
pub(in super::super) enum Connection {
    /// To one server. Once lost, everything on it fails.
    Single(MultiplexedConnection),
    /// To the servers of a Cluster. When one of them is lost, the pushes say so, and redis-rs connects and subscribes to
    /// it again by itself; what was published meanwhile is gone, so whoever listens must look again. It tries a command
    /// again whose connection broke: commands must bear being carried out twice.
    ///
    /// When slots move, a server ends subscriptions of its own accord ([`PushKind::SUnsubscribe`](redis::PushKind)) and
    /// redis-rs takes that for an answer: from then on answers on this connection may be those of other commands. So it
    /// is to be opened anew, and what reads and writes goes over another connection than what subscribes.
    Cluster(ClusterConnection),
}

impl Connection {
    /// Whether channels are sharded (`SPUBLISH`), and keys of one command must be of one slot.
    pub(in super::super) fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }

    /// Listens to these channels too. Returns when Redis has confirmed all of them; after an error, some may be.
    pub(in super::super) async fn subscribe(&mut self, channels: &[String]) -> RedisResult<()> {
        match self {
            Self::Single(connection) => {
                for channels in channels.chunks(CHANNELS_AT_ONCE) {
                    connection.subscribe(channels).await?;
                }
                Ok(())
            }
            Self::Cluster(connection) => {
                each(connection, channels, |mut connection, channel| async move {
                    connection.ssubscribe(channel).await
                })
                .await
            }
        }
    }

    /// Listens to these channels no longer.
    pub(in super::super) async fn unsubscribe(&mut self, channels: &[String]) -> RedisResult<()> {
        match self {
            Self::Single(connection) => {
                for channels in channels.chunks(CHANNELS_AT_ONCE) {
                    connection.unsubscribe(channels).await?;
                }
                Ok(())
            }
            Self::Cluster(connection) => {
                each(connection, channels, |mut connection, channel| async move {
                    connection.sunsubscribe(channel).await
                })
                .await
            }
        }
    }
}

/// A command for each channel, as channels of different slots cannot share one.
async fn each<F, Fut>(
    connection: &ClusterConnection,
    channels: &[String],
    run: F,
) -> RedisResult<()>
where
    F: Fn(ClusterConnection, String) -> Fut,
    Fut: Future<Output = RedisResult<()>>,
{
    stream::iter(channels.to_vec())
        .map(|channel| run(connection.clone(), channel))
        .buffer_unordered(COMMANDS_AT_ONCE)
        .try_collect()
        .await
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Single(connection) => connection.req_packed_command(cmd),
            Self::Cluster(connection) => connection.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        cmd: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Single(connection) => connection.req_packed_commands(cmd, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(cmd, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Single(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}
