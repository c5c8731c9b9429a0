//! Connections to Redis: a fresh one each time, for an owner that watches over it and opens the next.
//!
//! redis-rs can reconnect by itself, but a broker must know when it was away: so a lost connection stays lost here. Only
//! a Cluster's client mends single servers' connections on its own, see [`Connection::Cluster`].

mod connection;
mod sentinel;
#[cfg(test)]
mod tests;
mod tls;

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures::{StreamExt, stream::FuturesUnordered};
use redis::{
    AsyncConnectionConfig, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind, FromRedisValue,
    IntoConnectionInfo, ProtocolVersion, RedisConnectionInfo, RedisError, RedisResult,
    TlsCertificates, TlsMode, Value,
    aio::{AsyncPushSender, MultiplexedConnection},
    cluster::ClusterClient,
    cluster_async::ClusterConnection,
    io::tcp::{TcpSettings, socket2::TcpKeepalive},
};

pub(super) use connection::Connection;
pub(super) use tls::check_certificates;
use tls::{choose_cryptography, own_ca};

use super::config::{Address, Credentials, RedisConfig, Servers, check_prefix};
use crate::server::timings::Timings;

/// What makes connections.
#[derive(Clone)]
pub(super) struct Client {
    config: Arc<RedisConfig>,
    /// How long answers of its connections take.
    pub(super) round_trips: Arc<Timings>,
}

impl Client {
    /// Checks the configuration. Nothing is connected yet.
    pub(super) fn new(config: &RedisConfig) -> RedisResult<Self> {
        let bad = |why| RedisError::from((ErrorKind::InvalidClientConfig, why));
        check_prefix(&config.prefix).map_err(bad)?;
        if config.tls {
            choose_cryptography();
            if let Some(pem) = &config.ca {
                let why = "RedisConfig::ca holds no certificate in PEM";
                check_certificates(pem).map_err(|_| bad(why))?;
            }
        }
        Ok(Self {
            config: Arc::new(config.clone()),
            round_trips: Arc::default(),
        })
    }

    /// Makes one connection, and takes no longer than a few time-outs for it. What comes unasked, messages and the
    /// connection's end, goes to `pushes`.
    pub(super) async fn open(&self, pushes: impl AsyncPushSender) -> RedisResult<Connection> {
        let pushes: Arc<dyn AsyncPushSender> = Arc::new(pushes);
        let opened = match &self.config.servers {
            Servers::Single(address) => self
                .open_single(address, pushes)
                .await
                .map(Connection::Single),
            Servers::Cluster(addresses) => self
                .open_cluster(addresses, pushes)
                .await
                .map(Connection::Cluster),
            Servers::Sentinel {
                sentinels,
                master,
                credentials,
            } => {
                let found = self
                    .open_master(sentinels, master, credentials, pushes)
                    .await;
                found.map(Connection::Single)
            }
        };
        opened.map_err(|error| self.explain(error))
    }

    async fn open_single(
        &self,
        address: &Address,
        pushes: Arc<dyn AsyncPushSender>,
    ) -> RedisResult<MultiplexedConnection> {
        let database = i64::from(self.config.database);
        let client = self.server(address, &self.config.credentials, database)?;
        let settings = self.settings().set_push_sender(pushes);
        let mut connection = client
            .get_multiplexed_async_connection_with_config(&settings)
            .await?;
        // What it is; without arguments no ACL forbids it. A proxy may not say.
        let hello: Option<HashMap<String, Value>> =
            optional(redis::cmd("HELLO"), &mut connection).await?;
        let mode = hello.and_then(|mut hello| hello.remove("mode"));
        if mode == Some(Value::BulkString(b"cluster".to_vec())) {
            let why = "it is one of a Cluster: set REDIS_CLUSTER=true";
            return Err((ErrorKind::InvalidClientConfig, why).into());
        }
        // For whoever looks at CLIENT LIST. An ACL may forbid it, and it may not be a name for Redis.
        let mut name = redis::cmd("CLIENT");
        name.arg("SETNAME").arg(&self.config.prefix);
        optional::<()>(name, &mut connection).await?;
        Ok(connection)
    }

    async fn open_cluster(
        &self,
        addresses: &[Address],
        pushes: Arc<dyn AsyncPushSender>,
    ) -> RedisResult<ClusterConnection> {
        let config = &*self.config;
        self.probe(addresses).await?;
        let nodes = addresses
            .iter()
            .map(|address| self.info(address, &config.credentials, 0))
            .collect::<RedisResult<Vec<_>>>()?;
        let mut builder = ClusterClient::builder(nodes)
            .use_protocol(ProtocolVersion::RESP3)
            .push_sender(pushes)
            .tcp_settings(tcp_settings())
            .connection_timeout(config.connect_timeout)
            .response_timeout(config.timeout)
            // A redirection, or a second try after a short wait, must fit in.
            .overall_response_timeout(Some(config.timeout * 2))
            .retries(3)
            .min_retry_wait(20)
            .max_retry_wait(200);
        if config.tls {
            builder = builder.tls(match config.verify {
                true => TlsMode::Secure,
                false => TlsMode::Insecure,
            });
            if let Some(certificates) = self.certificates() {
                builder = builder.certs(certificates);
            }
        }
        let client = builder.build()?;
        // First the named servers, then those they know, each within its time; and the questions between.
        let patience = config.connect_timeout * 2 + config.timeout * 3;
        match tokio::time::timeout(patience, client.get_async_connection()).await {
            Ok(opened) => opened,
            Err(_) => Err((ErrorKind::Io, "the Cluster did not answer in time").into()),
        }
    }

    /// Asks one of them to let us in, before the Cluster's client tries. That one logs what it is answered, and a
    /// password can be in it, see [`explain`](Self::explain).
    async fn probe(&self, addresses: &[Address]) -> RedisResult<()> {
        let settings = self.settings();
        let mut attempts: FuturesUnordered<_> = addresses
            .iter()
            .map(async |address| {
                let client = self.server(address, &self.config.credentials, 0)?;
                let opened = client.get_multiplexed_async_connection_with_config(&settings);
                opened.await.map(drop)
            })
            .collect();
        let mut last = Ok(());
        while let Some(attempt) = attempts.next().await {
            match attempt {
                Err(error) if error.is_io_error() => last = Err(error),
                decided => return decided,
            }
        }
        last
    }

    /// How to reach one server.
    fn server(
        &self,
        address: &Address,
        credentials: &Credentials,
        database: i64,
    ) -> RedisResult<redis::Client> {
        let info = self.info(address, credentials, database)?;
        match self.certificates() {
            Some(certificates) if self.config.tls && self.config.verify => {
                redis::Client::build_with_tls(info, certificates)
            }
            _ => redis::Client::open(info),
        }
    }

    fn info(
        &self,
        address: &Address,
        credentials: &Credentials,
        database: i64,
    ) -> RedisResult<ConnectionInfo> {
        let (host, port) = (address.host.clone(), address.port);
        let address = match self.config.tls {
            false => ConnectionAddr::Tcp(host, port),
            true => ConnectionAddr::TcpTls {
                host,
                port,
                insecure: !self.config.verify,
                tls_params: None,
            },
        };
        let mut settings = RedisConnectionInfo::default()
            .set_protocol(ProtocolVersion::RESP3)
            .set_db(database)
            .set_lib_name("leptos_realtime", env!("CARGO_PKG_VERSION"));
        if let Some(username) = &credentials.username {
            settings = settings.set_username(username);
        }
        if let Some(password) = &credentials.password {
            settings = settings.set_password(password);
        }
        let info = address.into_connection_info()?;
        Ok(info
            .set_redis_settings(settings)
            .set_tcp_settings(tcp_settings()))
    }

    fn settings(&self) -> AsyncConnectionConfig {
        AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.config.connect_timeout))
            .set_response_timeout(Some(self.config.timeout))
    }

    fn certificates(&self) -> Option<TlsCertificates> {
        self.config.ca.clone().map(own_ca)
    }

    /// Says what to look at, and hides the password.
    fn explain(&self, error: RedisError) -> RedisError {
        let mut text = error.to_string();
        // A Redis repeats the beginning of a command that it does not know, the password in it.
        if let Some((said, _)) = text.split_once(", with args beginning with") {
            text = said.to_owned();
        }
        for secret in self.config.secrets() {
            text = text.replace(secret, "***");
        }
        let says = |part: &str| text.contains(part);
        let hint = if says("invalid peer certificate") {
            "its certificate is not to be trusted: see REDIS_CA_FILE"
        } else if error.kind() == ErrorKind::RESP3NotSupported || says("unknown command 'HELLO'") {
            "it is older than Redis 6, or its command HELLO is renamed"
        } else if error.kind() == ErrorKind::AuthenticationFailed
            || says("WRONGPASS")
            || says("NOAUTH")
        {
            "it refuses the user or the password"
        } else {
            "it cannot be used"
        };
        let text = format!("{}: {text}", self.config.whereabouts());
        RedisError::from((error.kind(), hint, text))
    }
}

/// Asks for what the connection can do without. Fails where nothing else would be answered either.
async fn optional<T: FromRedisValue>(
    command: Cmd,
    connection: &mut MultiplexedConnection,
) -> RedisResult<Option<T>> {
    match command.query_async(connection).await {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.is_io_error() => Err(error),
        Err(_) => Ok(None),
    }
}

/// A peer that vanished is noticed within some 20 s also where nothing is sent, as on a connection that only listens.
fn tcp_settings() -> TcpSettings {
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(10))
        .with_interval(Duration::from_secs(3))
        .with_retries(3);
    TcpSettings::default()
        .set_nodelay(true)
        .set_keepalive(keepalive)
}
