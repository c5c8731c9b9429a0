//! How many files and connections the process may have open.
//!
//! Each connection takes a descriptor. Many systems begin a process with 1,024, for programs that are older than that
//! is little, and allow it to ask for more: so it does.

use std::fmt;

/// Below this a busy site may refuse people.
const ENOUGH: u64 = 65_536;

/// How many are allowed at a time; none: without end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The soft limit that the process was started with.
    before: Option<u64>,
    /// What it is now.
    now: Option<u64>,
    /// How far the process itself may raise it.
    hard: Option<u64>,
}

impl Limit {
    /// Whether that is enough for a busy site.
    pub fn is_enough(self) -> bool {
        self.now.is_none_or(|now| now >= ENOUGH)
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said =
            |limit: Option<u64>| limit.map_or("no end".to_owned(), |limit| limit.to_string());
        let (before, now, hard) = (said(self.before), said(self.now), said(self.hard));
        write!(
            f,
            "{now} files and connections at a time (soft limit {before}, hard limit {hard})"
        )?;
        if !self.is_enough() {
            write!(
                f,
                ": allow {ENOUGH}, by `ulimit -n {ENOUGH}`, LimitNOFILE={ENOUGH} in a systemd unit, or --ulimit \
                 nofile={ENOUGH}:{ENOUGH} for docker run"
            )?;
        }
        Ok(())
    }
}

/// Raises the limit as far as the process may, and returns it.
#[cfg(unix)]
pub fn raise() -> Option<Limit> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let before = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: before.maximum,
        maximum: before.maximum,
    };
    // Where this fails, what was holds on.
    let _ = setrlimit(Resource::Nofile, raised);
    Some(Limit {
        before: before.current,
        now: getrlimit(Resource::Nofile).current,
        hard: before.maximum,
    })
}

/// There is no such limit here.
#[cfg(not(unix))]
pub fn raise() -> Option<Limit> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_are_told_of_with_both_numbers_and_the_fix() {
        let limit = |before, hard| Limit {
            before,
            now: hard,
            hard,
        };
        for enough in [None, Some(65_536)] {
            let limit = limit(Some(1_024), enough);
            assert!(limit.is_enough() && !limit.to_string().contains("ulimit"));
        }
        let few = limit(Some(1_024), Some(4_096));
        assert!(!few.is_enough());
        let said = few.to_string();
        for part in ["1024", "4096", "ulimit -n 65536", "LimitNOFILE=65536"] {
            assert!(said.contains(part), "{said}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_limit_is_raised_as_far_as_it_goes() {
        let limit = raise().unwrap();
        assert_eq!(limit.now, limit.hard);
    }
}
