//! What the server's process holds.

use std::{fs, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    Result,
    server::{LEAVE_GRACE, ROOM_IDLE, Server},
};

/// How long the handles must stay the same before the server counts as at rest.
const QUIET: Duration = Duration::from_millis(500);

/// The most that coming to rest may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The server's memory and open handles.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// The pages that are in memory, from `VmRSS`.
    pub rss_kb: u64,
    /// Open files and sockets.
    pub fds: usize,
}

impl Reading {
    pub fn of(server: &Server) -> Result<Self> {
        let folder = format!("/proc/{}", server.id());
        let status = fs::read_to_string(format!("{folder}/status"))?;
        let rss_kb = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|rest| rest.split_whitespace().next())
            .ok_or("the process tells no VmRSS")?;
        Ok(Self {
            rss_kb: rss_kb.parse()?,
            fds: fs::read_dir(format!("{folder}/fd"))?.count(),
        })
    }
}

/// What the server holds once everybody is gone and nobody is missed any more.
pub async fn settled(server: &Server) -> Result<Reading> {
    // Rooms and graces are looked at about once a second.
    sleep(LEAVE_GRACE + ROOM_IDLE + Duration::from_secs(2)).await;
    let start = Instant::now();
    let (mut last, mut since) = (Reading::of(server)?, Instant::now());
    while since.elapsed() < QUIET {
        if start.elapsed() > PATIENCE {
            return Err("the server does not come to rest".into());
        }
        sleep(Duration::from_millis(50)).await;
        let now = Reading::of(server)?;
        if now.fds != last.fds {
            since = Instant::now();
        }
        last = now;
    }
    Ok(last)
}
