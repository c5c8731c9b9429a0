//! The scenarios of `cargo xtask chaos`: programs of this repository that end with one JSON line of their figures.

use std::{env, process::Command};

use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use crate::{
    cargo::{LIBRARY, build_example, cargo},
    mode::{Mode, profile_folder},
    project::Project,
};

/// Optimised, with assertions: see `Cargo.toml`.
const PROFILE: &str = "sim";

/// Lets tokio draw its lots from a life's seed too. For all scenarios, so that they share what is compiled.
const SEEDED: &str = "build.rustflags=['--cfg', 'tokio_unstable']";

/// What a program is given that is to run over a stand-in for Redis, and the feature that it needs then.
pub const OVER_REDIS: &str = "--redis";
const WITH_REDIS: &str = "simulated-redis";

/// An example of a package, and how it is run.
pub struct Scenario {
    pub name: &'static str,
    pub about: &'static str,
    package: &'static str,
    pub example: &'static str,
    features: &'static [&'static str],
    /// What it is given before anything else; of an argument that is given twice the later one counts.
    arguments: &'static [&'static str],
    pub work: Work,
    /// Whether it knows `--short`: a small form that looks at counts only, which every test run has time for.
    pub is_short: bool,
    /// Whether it is given the same program of an earlier commit: see [`previous`](crate::previous).
    pub meets_previous: bool,
}

/// How the work of a scenario is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// One process does it, with whatever arguments are given.
    Whole,
    /// Seeds in a row, a part for each of several processes: takes `--first S --seeds N`.
    Seeds,
}

/// To add one, add its example and a line here.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "sim",
        about: "simulated clients and nodes by seed: [--redis] [--seeds N] [--first S] [--jobs 2]",
        package: LIBRARY,
        example: "simulate",
        features: &["testing"],
        arguments: &[],
        work: Work::Seeds,
        is_short: false,
        meets_previous: false,
    },
    Scenario {
        name: "connect-cycles",
        about: "what a server keeps of people who came and went: [--cycles 10000] [--leave both]",
        package: LIBRARY,
        example: "connect_cycles",
        features: &["sqlite", "testing"],
        arguments: &["--cycles", "10000"],
        work: Work::Whole,
        is_short: false,
        meets_previous: false,
    },
    Scenario {
        name: "slow-readers",
        about: "what clients that do not read cost: [--clients 500] [--runs abcd] [--rounds 1]",
        package: LIBRARY,
        example: "slow_readers",
        features: &["testing"],
        arguments: &[],
        work: Work::Whole,
        is_short: false,
        meets_previous: false,
    },
    Scenario {
        name: "inbox",
        about: "an inbox on three devices while much goes wrong, by seed: [--operations 10000] [--seed S]",
        package: LIBRARY,
        example: "inbox",
        features: &["postgres", "redis", "sqlite", "testing"],
        arguments: &["lives"],
        work: Work::Whole,
        // Its short form is a test: `realtime/tests/inbox.rs`.
        is_short: false,
        meets_previous: false,
    },
    Scenario {
        name: "notify",
        about: "many are told at once, and badges on two instances: [--people 10000] [--rounds 1000]",
        package: LIBRARY,
        example: "inbox",
        features: &["postgres", "redis", "sqlite", "testing"],
        arguments: &["notify"],
        work: Work::Whole,
        is_short: true,
        meets_previous: false,
    },
    cluster(
        &["kill-node"],
        "an instance is killed: its people leave, once: [--runs 20] [--people 1000]",
    ),
    cluster(&["redis-pause"], "Redis stands still for 3 s and for 10 s"),
    cluster(&["redis-restart"], "Redis is killed and started empty"),
    cluster(&["redis-flush"], "Redis is emptied while it runs"),
    cluster(&["redis-restore"], "Redis is started with an old snapshot"),
    cluster(&["redis-evict"], "Redis loses the keys of 50 rooms"),
    cluster(
        &["redis-tls"],
        "a Redis that encrypts, with a CA of its own, is killed and started",
    ),
    cluster(
        &["redis-acl"],
        "a user who may do what is documented and no more is locked out for a while",
    ),
    cluster(
        &["redis-password"],
        "an instance has a wrong password, until Redis takes it",
    ),
    cluster(
        &["redis-sentinel"],
        "the master that a Sentinel watches is killed: [--runs 4]",
    ),
    cluster(
        &["redis-cluster"],
        "a Cluster's master with a replica is killed, then one without",
    ),
    cluster(
        &["clock"],
        "the clock of an instance, and of Redis, jumps by an hour: forward and back",
    ),
    cluster(
        &["move"],
        "connections are lost on one instance and are there on another one at once",
    ),
    cluster(
        &["twelve"],
        "twelve instances, and everybody sees everybody: [--people 1200]",
    ),
    cluster(
        &["zombie"],
        "an instance stands still for 8 s and for 60 s, and goes on",
    ),
    cluster(
        &["half-link"],
        "one of an instance's two connections to Redis is cut, or stands still",
    ),
    cluster(
        &["partition"],
        "an instance is cut off from Redis for 15 s, with its people",
    ),
    cluster(
        &["race"],
        "people come, go and move as fast as they can: [--runs 100000] [--people 300]",
    ),
    cluster(
        &["rolling"],
        "all instances are replaced one after the other",
    ),
    with_previous(cluster(
        &["versions"],
        "instances of an earlier commit are replaced under load, and come back: [--previous HEAD~1]",
    )),
    cluster(
        &["drain"],
        "one of two instances is restarted under load: [--people 5000]",
    ),
    cluster(
        &["drop"],
        "one in a hundred messages between instances is lost: [--runs 100000]",
    ),
    cluster(
        &["idle"],
        "what Redis is asked for when nothing happens: [--people 5000]",
    ),
    cluster(
        &["latency"],
        "how soon who enters on one instance is seen on another: [--runs 4000]",
    ),
];

/// Several instances that meet at a Redis, and the name of what goes wrong: also what the program is given.
const fn cluster(name: &'static [&'static str], about: &'static str) -> Scenario {
    Scenario {
        name: name[0],
        about,
        package: LIBRARY,
        example: "cluster",
        features: &["redis", "testing"],
        arguments: name,
        work: Work::Whole,
        is_short: true,
        meets_previous: false,
    }
}

/// The same, where instances of an earlier commit are among them. Compiling that takes minutes, so that it has no short
/// form for each test run.
const fn with_previous(scenario: Scenario) -> Scenario {
    Scenario {
        is_short: false,
        meets_previous: true,
        ..scenario
    }
}

impl Scenario {
    /// The scenario of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        SCENARIOS.iter().find(|scenario| scenario.name == name)
    }

    /// Compiles its program.
    pub fn build(&self, project: &Project, over_redis: bool) -> Command {
        let mut command = cargo(project, "build");
        let redis = over_redis.then_some(WITH_REDIS);
        let features: Vec<&str> = self.features.iter().copied().chain(redis).collect();
        command
            .args(["--package", self.package, "--example", self.example])
            .args(["--profile", PROFILE, "--features", &features.join(",")])
            .args(["--config", SEEDED]);
        command
    }

    /// Runs it, once built.
    pub fn run(&self, project: &Project, arguments: &[String]) -> Command {
        let mut command = Command::new(self.program_in(&project.target));
        command
            .args(self.arguments)
            .args(arguments)
            .current_dir(&project.root);
        command
    }

    /// Compiles its program for its short form: with everything else that tests need, so that little is left to do.
    pub fn build_short(&self, project: &Project) -> Command {
        build_example(project, self.example)
    }

    /// Runs its short form, once built.
    pub fn run_short(&self, project: &Project) -> Command {
        let profile = Mode::Debug.server_profile(project);
        let mut command = Command::new(self.file(&project.target.join(profile_folder(profile))));
        command
            .args(self.arguments)
            .arg("--short")
            .current_dir(&project.root);
        command
    }

    /// Where [`build`](Self::build) leaves its program in a target folder.
    pub fn program_in(&self, target: &Utf8Path) -> Utf8PathBuf {
        self.file(&target.join(PROFILE))
    }

    fn file(&self, folder: &Utf8Path) -> Utf8PathBuf {
        let folder = folder.join("examples");
        folder.join(format!("{}{}", self.example, env::consts::EXE_SUFFIX))
    }
}

/// A line for each scenario.
pub fn list() -> String {
    let mut lines = vec!["Scenarios:".to_owned()];
    lines.extend(
        SCENARIOS
            .iter()
            .map(|scenario| format!("  {:15} {}", scenario.name, scenario.about)),
    );
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use cargo_metadata::MetadataCommand;

    use super::*;

    #[test]
    fn each_scenario_has_a_program_with_the_features_it_needs() {
        let metadata = MetadataCommand::new()
            .manifest_path(Project::here().root.join("Cargo.toml"))
            .no_deps()
            .exec()
            .expect("cargo knows the workspace");
        for scenario in SCENARIOS {
            let package = metadata
                .packages
                .iter()
                .find(|package| package.name == scenario.package)
                .expect(scenario.package);
            let example = package
                .targets
                .iter()
                .find(|target| target.is_example() && target.name == scenario.example)
                .expect(scenario.example);
            assert_eq!(
                example.required_features, scenario.features,
                "{}",
                scenario.name
            );
        }
    }

    #[test]
    fn what_one_asks_for_comes_after_what_a_scenario_has_anyway() {
        let scenario = Scenario {
            arguments: &["--cycles", "10000"],
            ..SCENARIOS[0]
        };
        let asked = ["--cycles", "7"].map(str::to_owned);
        let command = scenario.run(&Project::here(), &asked);
        let given: Vec<_> = command.get_args().collect();
        assert_eq!(given, ["--cycles", "10000", "--cycles", "7"]);
    }
}
