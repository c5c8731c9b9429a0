//! Finding the master that Sentinels know.
//!
//! Asked anew for each connection, as the [guide for clients](https://redis.io/docs/latest/develop/reference/sentinel-clients/)
//! wants it: a Sentinel names the master, and the server itself confirms that it is one. During a fail-over Sentinels
//! differ, and one that was cut off names a server that is none any more: so all are asked, at once, and the first
//! server that confirms is taken.

use std::sync::Arc;

use futures::{StreamExt, stream::FuturesUnordered};
use redis::{
    ErrorKind, RedisError, RedisResult, Value,
    aio::{AsyncPushSender, MultiplexedConnection},
};

use super::{Address, Client, Credentials};

impl Client {
    pub(super) async fn open_master(
        &self,
        sentinels: &[Address],
        master: &str,
        credentials: &Credentials,
        pushes: Arc<dyn AsyncPushSender>,
    ) -> RedisResult<MultiplexedConnection> {
        let mut answers: FuturesUnordered<_> = sentinels
            .iter()
            .map(|sentinel| self.ask(sentinel, master, credentials))
            .collect();
        // What the named server says counts more than what a Sentinel says, and that more than one that is away.
        let mut failure: Option<(u8, RedisError)> = None;
        let mut failed = |weight, error| {
            if failure.as_ref().is_none_or(|(most, _)| *most < weight) {
                failure = Some((weight, error));
            }
        };
        let mut tried = Vec::new();
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(Some(address)) if tried.contains(&address) => {}
                Ok(Some(address)) => {
                    match self.open_if_master(&address, pushes.clone()).await {
                        Ok(connection) => return Ok(connection),
                        Err(error) => failed(3, error),
                    }
                    tried.push(address);
                }
                Ok(None) => {
                    let why = "the Sentinels know no master of the name in REDIS_URL";
                    failed(2, (ErrorKind::InvalidClientConfig, why).into());
                }
                Err(error) if error.is_io_error() => failed(0, error),
                Err(error) => failed(1, error),
            }
        }
        let none = || (ErrorKind::InvalidClientConfig, "no Sentinel is named").into();
        Err(failure.map_or_else(none, |(_, error)| error))
    }

    /// Where a Sentinel believes the master to be.
    async fn ask(
        &self,
        sentinel: &Address,
        master: &str,
        credentials: &Credentials,
    ) -> RedisResult<Option<Address>> {
        let mut connection = self
            .server(sentinel, credentials, 0)?
            .get_multiplexed_async_connection_with_config(&self.settings())
            .await?;
        let found: Option<(String, u16)> = redis::cmd("SENTINEL")
            .arg("get-master-addr-by-name")
            .arg(master)
            .query_async(&mut connection)
            .await?;
        Ok(found.map(|(host, port)| Address { host, port }))
    }

    pub(super) async fn open_if_master(
        &self,
        address: &Address,
        pushes: Arc<dyn AsyncPushSender>,
    ) -> RedisResult<MultiplexedConnection> {
        let mut connection = self.open_single(address, pushes).await?;
        let role: Vec<Value> = redis::cmd("ROLE").query_async(&mut connection).await?;
        let role: String = match role.into_iter().next() {
            Some(role) => redis::from_redis_value(role)?,
            None => String::new(),
        };
        match role.as_str() {
            "master" => Ok(connection),
            _ => {
                let why = "the server that a Sentinel named is not the master now";
                Err((ErrorKind::Io, why, address.to_string()).into())
            }
        }
    }
}
