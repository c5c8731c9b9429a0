//! Signals to a process group.

pub use imp::{is_gone, kill, own_group, terminate};

#[cfg(unix)]
mod imp {
    use std::{
        os::unix::process::CommandExt as _,
        process::{Child, Command},
    };

    use nix::{
        sys::signal::{Signal, killpg},
        unistd::Pid,
    };

    /// Makes the child of `command` the leader of a group whose id is its process id.
    pub fn own_group(command: &mut Command) {
        command.process_group(0);
    }

    /// Asks the group to end.
    pub fn terminate(id: u32, _leader: &mut Child) {
        let _ = killpg(group(id), Signal::SIGTERM);
    }

    /// Ends the group.
    pub fn kill(id: u32) {
        let _ = killpg(group(id), Signal::SIGKILL);
    }

    /// Whether nobody is left in the group, the unreaped dead included.
    pub fn is_gone(id: u32) -> bool {
        killpg(group(id), None).is_err()
    }

    fn group(id: u32) -> Pid {
        Pid::from_raw(id.cast_signed())
    }
}

/// Without process groups only the child itself can be ended.
#[cfg(not(unix))]
mod imp {
    use std::process::{Child, Command};

    pub fn own_group(_command: &mut Command) {}

    pub fn terminate(_id: u32, leader: &mut Child) {
        let _ = leader.kill();
    }

    pub fn kill(_id: u32) {}

    pub fn is_gone(_id: u32) -> bool {
        true
    }
}
