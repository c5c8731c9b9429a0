//! Where the server listens: `LEPTOS_SITE_ADDR`, or where a platform says only a port, `PORT`.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

use super::{ConfigError, Lookup, set, text};

/// An address, or a port at all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listen {
    /// `LEPTOS_SITE_ADDR`.
    At(SocketAddr),
    /// `PORT`: a platform that names one, as Railway does, reaches the server from outside the machine, and between
    /// its services by IPv6.
    Everywhere(u16),
}

/// Why nobody can reach the server.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {error}; set {variable} to another {what}")]
pub struct ListenError {
    address: String,
    error: std::io::Error,
    variable: &'static str,
    what: &'static str,
}

/// How many connections may wait to be taken.
const BACKLOG: i32 = 1_024;

impl Listen {
    pub(super) fn from_lookup(get: Lookup<'_>) -> Result<Self, ConfigError> {
        const ADDRESS: &str = "LEPTOS_SITE_ADDR";
        if let (None, Some(port)) = (set(get, ADDRESS), set(get, "PORT")) {
            return match port.trim().parse() {
                Ok(port) => Ok(Self::Everywhere(port)),
                Err(_) => Err(ConfigError::shown(
                    "PORT",
                    port,
                    "expected a port from 0 to 65535",
                )),
            };
        }
        let address = text(get, ADDRESS);
        address.trim().parse().map(Self::At).map_err(|_| {
            let fix = "expected an IP address and a port, like 127.0.0.1:3000 or [::]:3000";
            ConfigError::shown(ADDRESS, address, fix)
        })
    }

    /// Begins to listen.
    ///
    /// # Errors
    /// When the port is taken, or the address is not this machine's.
    pub fn bind(self) -> Result<TcpListener, ListenError> {
        let (bound, variable, what) = match self {
            Self::At(address) => (listen(address), "LEPTOS_SITE_ADDR", "address"),
            Self::Everywhere(port) => (everywhere(port), "PORT", "port"),
        };
        bound
            .and_then(|socket| TcpListener::from_std(socket.into()))
            .map_err(|error| ListenError {
                address: self.to_string(),
                error,
                variable,
                what,
            })
    }
}

impl std::fmt::Display for Listen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::At(address) => write!(f, "{address}"),
            Self::Everywhere(port) => write!(f, "port {port} of every address"),
        }
    }
}

/// IPv6 and IPv4 with one socket, or IPv4 alone where the machine has no IPv6.
fn everywhere(port: u16) -> std::io::Result<Socket> {
    match listen((Ipv6Addr::UNSPECIFIED, port).into()) {
        Err(error) if error.kind() != std::io::ErrorKind::AddrInUse => {
            listen((Ipv4Addr::UNSPECIFIED, port).into())
        }
        bound => bound,
    }
}

fn listen(address: SocketAddr) -> std::io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        // A machine's default may be otherwise.
        socket.set_only_v6(false)?;
    }
    // A server that was just stopped has connections that linger. Elsewhere than on Unix this would share the port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;

    fn from(said: &[(&str, &str)]) -> Result<Listen, String> {
        let get = |asked: &str| {
            let found = said.iter().find(|(name, _)| *name == asked);
            found.map(|(_, value)| (*value).to_owned())
        };
        Listen::from_lookup(&get).map_err(|error| error.to_string())
    }

    #[test]
    fn a_port_alone_is_one_of_every_address_and_an_address_comes_first() {
        let at = |address: &str| Ok(Listen::At(address.parse().unwrap()));
        assert_eq!(from(&[]), at("127.0.0.1:3000"));
        assert_eq!(from(&[("PORT", "8080")]), Ok(Listen::Everywhere(8080)));
        assert_eq!(from(&[("PORT", "")]), at("127.0.0.1:3000"));
        let both = [("PORT", "8080"), ("LEPTOS_SITE_ADDR", "[::1]:80")];
        assert_eq!(from(&both), at("[::1]:80"));
        for (name, value) in [
            ("PORT", "http"),
            ("PORT", "65536"),
            ("LEPTOS_SITE_ADDR", "localhost:3000"),
            ("LEPTOS_SITE_ADDR", "3000"),
        ] {
            let error = from(&[(name, value)]).unwrap_err();
            assert!(
                error.starts_with(&format!("{name} is {value:?}")),
                "{error}"
            );
        }
    }

    #[tokio::test]
    async fn every_address_is_reached_by_ipv4_too() {
        let listener = Listen::Everywhere(0).bind().unwrap();
        let port = listener.local_addr().unwrap().port();
        TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .unwrap();
        if listener.local_addr().unwrap().is_ipv6() {
            TcpStream::connect((Ipv6Addr::LOCALHOST, port))
                .await
                .unwrap();
        }
        let error = Listen::Everywhere(port).bind().unwrap_err().to_string();
        assert!(error.contains("set PORT to another port"), "{error}");
        let taken = Listen::At((Ipv4Addr::LOCALHOST, port).into());
        let error = taken.bind().unwrap_err().to_string();
        assert!(
            error.contains("set LEPTOS_SITE_ADDR to another address"),
            "{error}"
        );
    }
}
