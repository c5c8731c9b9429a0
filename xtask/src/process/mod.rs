//! Child processes that end when we do.
//!
//! Each child leads a process group of its own, and signals go to the group: `npm` starts a shell that starts
//! Playwright that starts a server, and all of them must go. A terminal's Ctrl-C reaches only us for the same reason;
//! [`interrupt`](crate::interrupt) passes it on. Processes are found by the ids that we got when starting them, never
//! by name.

mod signal;

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    thread::{self, sleep},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use crate::interrupt;

/// How long a child may take to end by itself after the first signal.
const GRACE: Duration = Duration::from_secs(10);

/// How long its descendants may take after it. Short, because the dead among them look alive where no init process
/// collects them, as in many containers.
const REST: Duration = Duration::from_secs(3);

/// How often a waiting thread looks at its child and at the interrupt flag.
const POLL: Duration = Duration::from_millis(20);

/// Ids of the groups that may be alive. A leader is reaped only by its [`Held`], which is dropped soon after, so no id
/// here belongs to a stranger.
static GROUPS: Mutex<Vec<u32>> = Mutex::new(Vec::new());

fn groups() -> MutexGuard<'static, Vec<u32>> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether no child is held at the moment.
pub fn none_running() -> bool {
    groups().is_empty()
}

/// Kills every held child without grace.
pub fn kill_all() {
    for id in groups().iter() {
        signal::kill(*id);
    }
}

/// A child process and its descendants, stopped when this is dropped.
pub struct Held {
    child: Child,
    name: String,
    /// Whether the child has ended and was reaped.
    ended: bool,
}

impl Held {
    /// Starts `command` in a process group of its own, without standard input.
    pub fn spawn(command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        signal::own_group(command);
        // The lock makes spawning and noting the id one step for the signal handler.
        let mut groups = groups();
        interrupt::check()?;
        let child = command
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("`{name}` could not be started"))?;
        groups.push(child.id());
        Ok(Self {
            child,
            name,
            ended: false,
        })
    }

    /// Waits for the end of the child; stops it when we are asked to stop.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        loop {
            if let Some(status) = self.try_wait()? {
                return Ok(status);
            }
            interrupt::check()?;
            sleep(POLL);
        }
    }

    /// The exit status, if the child has ended.
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>> {
        let status = self
            .child
            .try_wait()
            .with_context(|| format!("`{}` could not be waited for", self.name))?;
        self.ended |= status.is_some();
        Ok(status)
    }

    /// Asks the group to end, waits for it, and kills what is left.
    fn stop(&mut self) {
        let id = self.child.id();
        signal::terminate(id, &mut self.child);
        let mut deadline = Instant::now() + GRACE;
        while Instant::now() < deadline {
            // Reap the leader, or the group would never look empty.
            let was_ended = self.ended;
            if self.try_wait().is_err() || (self.ended && signal::is_gone(id)) {
                return;
            }
            if self.ended && !was_ended {
                deadline = deadline.min(Instant::now() + REST);
            }
            sleep(POLL);
        }
        signal::kill(id);
        if !self.ended {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let id = self.child.id();
        if !self.ended {
            self.stop();
        } else if !signal::is_gone(id) {
            // The child is done and left descendants behind.
            signal::kill(id);
        }
        groups().retain(|held| *held != id);
    }
}

/// Runs `command` to its end with our output; a failure is an error that names it.
pub fn run(command: &mut Command) -> Result<()> {
    let line = line_of(command);
    println!("  {line}");
    let status = Held::spawn(command)?.wait()?;
    if !status.success() {
        bail!("`{line}` failed ({status}); its output is above");
    }
    Ok(())
}

/// Runs `command` to its end and gives each line of its standard output to `line` as it comes.
pub fn watch(command: &mut Command, line: impl FnMut(String) + Send) -> Result<ExitStatus> {
    println!("  {}", line_of(command));
    let mut held = Held::spawn(command.stdout(Stdio::piped()))?;
    let output = held.child.stdout.take().context("the output is piped")?;
    thread::scope(|scope| {
        scope.spawn(move || {
            let lines = BufReader::new(output).lines();
            lines.map_while(Result::ok).for_each(line);
        });
        let status = held.wait();
        // The reader ends with the last process that holds the pipe.
        drop(held);
        status
    })
}

/// Runs `command` silently and tells whether it succeeded: for asking whether a tool is there.
pub fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The command as one would type it, for messages.
fn line_of(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let mut line = program
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    for argument in command.get_args() {
        let argument = argument.to_string_lossy();
        let quote = if argument.is_empty() || argument.contains(char::is_whitespace) {
            "'"
        } else {
            ""
        };
        line.push_str(&format!(" {quote}{argument}{quote}"));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_one_would_type_it() {
        let mut command = Command::new("/usr/bin/cargo");
        command.args(["test", "--", "two words", ""]);
        assert_eq!(line_of(&command), "cargo test -- 'two words' ''");
    }

    #[cfg(unix)]
    #[test]
    fn dropping_a_child_ends_its_descendants_too() {
        use std::io::{BufRead as _, BufReader};

        // A shell with a child of its own that does not react to the end of its parent.
        let mut command = Command::new("sh");
        command
            .args(["-c", "sleep 600 & echo ready; wait"])
            .stdout(Stdio::piped());
        let mut held = Held::spawn(&mut command).expect("sh starts");
        let id = held.child.id();
        let mut output = BufReader::new(held.child.stdout.take().expect("piped")).lines();
        let ready = output.next().expect("a line").expect("readable");
        assert_eq!(ready, "ready");
        assert!(!signal::is_gone(id));
        drop(held);
        // The pipe ends when the last process that holds it has ended.
        assert!(output.next().is_none());
    }

    #[cfg(unix)]
    #[test]
    fn each_line_of_a_watched_command_is_given_on() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo one; echo two; exit 3"]);
        let mut lines = Vec::new();
        let status = watch(&mut command, |line| lines.push(line)).expect("sh starts");
        assert_eq!(status.code(), Some(3));
        assert_eq!(lines, ["one", "two"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_failing_command_is_named_in_the_error() {
        let error =
            run(Command::new("sh").args(["-c", "exit 3"])).expect_err("exit 3 is a failure");
        assert!(
            error
                .to_string()
                .starts_with("`sh -c 'exit 3'` failed (exit status: 3)"),
            "{error}"
        );
    }
}
