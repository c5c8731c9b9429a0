//! The server: compiled by cargo, started as a child with the environment that `cargo leptos` would give it.

use std::{
    io::{Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream},
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use cargo_metadata::camino::Utf8PathBuf;

use crate::{
    cargo, interrupt,
    mode::Mode,
    process::{self, Held},
    project::Project,
};

/// How long a started server may take to answer its first request: migrations run at start.
const ANSWER_DEADLINE: Duration = Duration::from_secs(60);

/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(5);

/// Compiles the server and returns its path. For release it holds the site, as that is now; in development it reads it
/// from its folder.
pub fn build(project: &Project, mode: Mode) -> Result<Utf8PathBuf> {
    process::run(&mut match mode {
        Mode::Debug => cargo::build_servers(&[project], mode),
        Mode::Release => cargo::build_alone(&[project], mode),
    })?;
    Ok(cargo::server_file(project, mode))
}

/// The address to serve on: `LEPTOS_SITE_ADDR`'s or the metadata's, with `port` in place of its port; 0 becomes a port
/// that is free now.
pub fn choose_address(project: &Project, port: Option<u16>) -> Result<SocketAddr> {
    let mut address = match std::env::var("LEPTOS_SITE_ADDR") {
        Ok(text) => text.parse().with_context(|| {
            format!("LEPTOS_SITE_ADDR is {text:?}: expected an address like 127.0.0.1:3000")
        })?,
        Err(_) => project.leptos.site_addr,
    };
    if let Some(port) = port {
        address.set_port(port);
    }
    match TcpListener::bind(address) {
        Ok(listener) => listener.local_addr().context("the free port has no number"),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            bail!(
                "port {} is taken: choose another with --port, or --port 0 for a free one",
                address.port()
            )
        }
        Err(error) => Err(error).with_context(|| {
            format!("{address} cannot be served on: choose another port with --port")
        }),
    }
}

/// What the server finds the site by.
pub fn environment(project: &Project) -> Vec<(&'static str, String)> {
    let leptos = &project.leptos;
    let mut variables = vec![
        ("LEPTOS_OUTPUT_NAME", leptos.output_name.clone()),
        ("LEPTOS_SITE_ROOT", project.site_root.to_string()),
        ("LEPTOS_SITE_PKG_DIR", leptos.site_pkg_dir.to_string()),
        ("LEPTOS_RELOAD_PORT", leptos.reload_port.to_string()),
    ];
    variables.extend(leptos.env.iter().map(|env| ("LEPTOS_ENV", env.clone())));
    variables
}

/// Starts the server and returns once it answers.
pub fn start(project: &Project, file: &Utf8PathBuf, address: SocketAddr) -> Result<Held> {
    let mut command = Command::new(file);
    command
        .current_dir(&project.root)
        .envs(environment(project))
        .env("LEPTOS_SITE_ADDR", address.to_string());
    let mut server = Held::spawn(&mut command)?;
    let deadline = Instant::now() + ANSWER_DEADLINE;
    while !answers(reachable(address)) {
        if let Some(status) = server.try_wait()? {
            bail!("the server ended before it answered ({status}); its output is above");
        }
        if Instant::now() > deadline {
            bail!(
                "the server did not answer on {address} within {} s; its output is above",
                ANSWER_DEADLINE.as_secs()
            );
        }
        interrupt::check()?;
        sleep(Duration::from_millis(50));
    }
    Ok(server)
}

/// Where a server that listens on `address` is reached from this machine.
pub fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

/// Whether HTTP is spoken at `address`: any answer will do.
pub fn answers(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address, ATTEMPT)?;
        stream.set_read_timeout(Some(ATTEMPT))?;
        stream.write_all(
            format!("GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes(),
        )?;
        let mut start = [0; 7];
        stream.read_exact(&mut start)?;
        Ok(start == *b"HTTP/1.")
    };
    ask().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_taken_port_gets_a_sentence_and_zero_finds_a_free_one() {
        let project = Project::here();
        let taken = TcpListener::bind((project.leptos.site_addr.ip(), 0)).expect("a free port");
        let port = taken.local_addr().expect("an address").port();
        let error = choose_address(&project, Some(port)).expect_err("the port is taken");
        assert_eq!(
            error.to_string(),
            format!("port {port} is taken: choose another with --port, or --port 0 for a free one")
        );
        let free = choose_address(&project, Some(0)).expect("a free port");
        assert!(free.port() != 0 && free.port() != port);
    }

    #[test]
    fn only_an_http_answer_counts_as_an_answer() {
        for (said, counts) in [
            ("HTTP/1.1 500 Internal Server Error\r\n\r\n", true),
            ("SSH-2.0-x", false),
            ("", false),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
            let address = listener.local_addr().expect("an address");
            let speaker = thread::spawn(move || {
                let (mut stream, _) = listener.accept().expect("a visitor");
                let mut asked = [0; 64];
                let _ = stream.read(&mut asked);
                stream.write_all(said.as_bytes()).expect("said");
            });
            assert_eq!(answers(address), counts, "{said}");
            speaker.join().expect("spoken");
        }
    }

    #[test]
    fn a_server_on_every_interface_is_reached_on_this_machine() {
        let at = |address: &str| reachable(address.parse().expect("an address")).to_string();
        assert_eq!(at("0.0.0.0:3000"), "127.0.0.1:3000");
        assert_eq!(at("[::]:3000"), "[::1]:3000");
        assert_eq!(at("127.0.0.1:80"), "127.0.0.1:80");
    }
}
