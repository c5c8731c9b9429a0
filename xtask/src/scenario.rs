//! The scenarios of `cargo xtask chaos`: programs of this repository that end with one JSON line of their figures.

use std::{env, process::Command};

use cargo_metadata::camino::Utf8PathBuf;

use crate::{
    cargo::{LIBRARY, cargo},
    project::Project,
};

/// Optimised, with assertions: see `Cargo.toml`.
const PROFILE: &str = "sim";

/// What a program is given that is to run over a stand-in for Redis, and the feature that it needs then.
pub const OVER_REDIS: &str = "--redis";
const WITH_REDIS: &str = "simulated-redis";

/// An example of a package, and how it is run.
pub struct Scenario {
    pub name: &'static str,
    pub about: &'static str,
    package: &'static str,
    example: &'static str,
    features: &'static [&'static str],
    /// What it is given before anything else; of an argument that is given twice the later one counts.
    arguments: &'static [&'static str],
    pub work: Work,
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
    },
    Scenario {
        name: "connect-cycles",
        about: "what a server keeps of people who came and went: [--cycles 10000] [--leave both]",
        package: LIBRARY,
        example: "connect_cycles",
        features: &["testing"],
        arguments: &["--cycles", "10000"],
        work: Work::Whole,
    },
    Scenario {
        name: "slow-readers",
        about: "what clients that do not read cost: [--clients 500] [--runs abcd] [--rounds 1]",
        package: LIBRARY,
        example: "slow_readers",
        features: &["testing"],
        arguments: &[],
        work: Work::Whole,
    },
];

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
            .args(["--profile", PROFILE, "--features", &features.join(",")]);
        command
    }

    /// Runs it, once built.
    pub fn run(&self, project: &Project, arguments: &[String]) -> Command {
        let mut command = Command::new(self.program(project));
        command
            .args(self.arguments)
            .args(arguments)
            .current_dir(&project.root);
        command
    }

    fn program(&self, project: &Project) -> Utf8PathBuf {
        let folder = project.target.join(PROFILE).join("examples");
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
