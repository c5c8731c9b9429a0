//! The cargo invocations, in one place.
//!
//! Client and server are never built by one invocation: cargo would unify their features, and `#[server]` functions
//! would be compiled for the wrong side. The client also has a target folder of its own. The server half is tested
//! and linted with one selection of packages and features throughout, so that cargo compiles it once. For the same
//! reason the clients of several hosts are built by one invocation, and their servers by another.

use std::{env, process::Command};

use cargo_metadata::camino::Utf8PathBuf;

use crate::{
    mode::{Mode, profile_folder},
    process,
    project::Project,
};

/// The crate that this project is for.
pub const LIBRARY: &str = "leptos_realtime";

/// The feature of the server's package with which it holds its site.
const EMBED_SITE: &str = "embed-site";

/// The target that browsers run.
pub const WASM: &str = "wasm32-unknown-unknown";

/// `cargo <subcommand>` in the workspace root.
pub fn cargo(project: &Project, subcommand: &str) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .arg(subcommand)
        .current_dir(&project.root)
        .env("CARGO_TARGET_DIR", &project.target)
        .env("LEPTOS_OUTPUT_NAME", &project.compiled_in);
    // Set for us by `cargo run`; build scripts would otherwise see our package's values and run again.
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name.as_ref());
        }
    }
    command
}

/// Compiles the clients of hosts in one workspace.
pub fn build_clients(hosts: &[&Project], mode: Mode) -> Command {
    let mut command = cargo(hosts[0], "build");
    client_selection(&mut command, hosts);
    command.args(["--lib", "--profile", mode.client_profile(hosts[0])]);
    command
}

/// Where [`build_clients`] leaves a host's file.
pub fn client_file(project: &Project, mode: Mode) -> Utf8PathBuf {
    let folder = profile_folder(mode.client_profile(project));
    project
        .front_target()
        .join(WASM)
        .join(folder)
        .join(format!("{}.wasm", project.client_target))
}

/// Lints the client.
pub fn lint_client(project: &Project) -> Command {
    let mut command = cargo(project, "clippy");
    client_selection(&mut command, &[project]);
    command.args(["--", "-D", "warnings"]);
    command
}

/// What a host may enable of the library, each by itself: what one feature needs of another is written down, or it does
/// not compile.
pub const FEATURES: [&str; 9] = [
    "ssr", "jwt", "sqlite", "postgres", "redis", "telegram", "smtp", "metrics", "testing",
];

/// Lints the library with one feature.
pub fn lint_feature(project: &Project, feature: &str) -> Command {
    let mut command = cargo(project, "clippy");
    command.args(["--package", LIBRARY, "--features", feature]);
    command.args(["--", "-D", "warnings"]);
    command
}

/// Type-checks the fuzz targets, with the stable compiler: they rot otherwise, since they are built by hand.
pub fn check_fuzz(project: &Project) -> Command {
    let mut command = cargo(project, "check");
    let manifest = project.fuzz().join("Cargo.toml");
    command
        .args(["--manifest-path", manifest.as_str(), "--target-dir"])
        .arg(project.target.join("fuzz"))
        // Nothing is linked, so there is no need to build the fuzzer.
        .env("CUSTOM_LIBFUZZER_PATH", project.fuzz().join("none.a"));
    command
}

fn client_selection(command: &mut Command, hosts: &[&Project]) {
    command.args(["--target", WASM]);
    command.args(["--target-dir", hosts[0].front_target().as_str()]);
    let selected = hosts.iter().map(|host| Selected {
        package: &host.leptos.lib_package,
        default: host.leptos.lib_default_features,
        features: &host.leptos.lib_features,
    });
    select(command, selected, &[]);
}

/// Compiles the servers of hosts in one workspace.
pub fn build_servers(hosts: &[&Project], mode: Mode) -> Command {
    let mut command = cargo(hosts[0], "build");
    server_selection(&mut command, hosts, &[]);
    command.args(["--profile", mode.server_profile(hosts[0])]);
    command
}

/// Compiles the servers of hosts in one workspace, the first of which holds its site: that must be complete. The rest is
/// what [`build_servers`] compiles.
pub fn build_alone(hosts: &[&Project], mode: Mode) -> Command {
    let first = hosts[0];
    let mut command = cargo(first, "build");
    let embed = format!("{}/{EMBED_SITE}", first.leptos.bin_package);
    server_selection(&mut command, hosts, &[embed]);
    command
        .args(["--profile", mode.server_profile(first)])
        .env("LEPTOS_SITE_ROOT", &first.site_root)
        .env("LEPTOS_SITE_PKG_DIR", &first.leptos.site_pkg_dir);
    command
}

/// Lints a server that is not of the server half.
pub fn lint_server(project: &Project) -> Command {
    let mut command = cargo(project, "clippy");
    server_selection(&mut command, &[project], &[]);
    command.args(["--lib", "--", "-D", "warnings"]);
    command
}

/// With these features besides those of the metadata.
fn server_selection(command: &mut Command, hosts: &[&Project], besides: &[String]) {
    for host in hosts {
        command.args(["--bin", host.exe_name()]);
    }
    let selected = hosts.iter().map(|host| Selected {
        package: &host.leptos.bin_package,
        default: host.leptos.bin_default_features,
        features: &host.leptos.bin_features,
    });
    select(command, selected, besides);
}

/// Where [`build_servers`] leaves a host's file.
pub fn server_file(project: &Project, mode: Mode) -> Utf8PathBuf {
    let folder = profile_folder(mode.server_profile(project));
    project
        .target
        .join(folder)
        .join(format!("{}{}", project.exe_name(), env::consts::EXE_SUFFIX))
}

/// Lints everything that runs outside the browser.
pub fn lint_server_half(project: &Project) -> Command {
    let mut command = cargo(project, "clippy");
    server_half(&mut command, project);
    command.args([
        "--package",
        "xtask",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]);
    command
}

/// Tests the server half, documentation examples apart.
pub fn test_server_half(project: &Project, filter: Option<&str>) -> Command {
    let mut command = test_runner(project, filter);
    server_half(&mut command, project);
    command.args(filter);
    command
}

/// Compiles an example as the server half is tested.
pub fn build_example(project: &Project, name: &str) -> Command {
    let mut command = cargo(project, "build");
    server_half(&mut command, project);
    command.args(["--example", name]);
    command
}

/// Tests these commands. Apart from the server half, so that both use what is compiled already.
pub fn test_xtask(project: &Project, filter: Option<&str>) -> Command {
    let mut command = test_runner(project, filter);
    command.args(["--package", "xtask"]).args(filter);
    command
}

/// Runs the documentation's examples, which nextest cannot.
pub fn test_docs(project: &Project, filter: Option<&str>) -> Command {
    let mut command = cargo(project, "test");
    command.arg("--doc");
    server_half(&mut command, project);
    command.args(filter);
    command
}

/// Builds a host's documentation.
pub fn document_host(host: &Project) -> Command {
    let mut command = cargo(host, "doc");
    command.args(["--no-deps", "--lib"]);
    let selected = Selected {
        package: &host.leptos.bin_package,
        default: host.leptos.bin_default_features,
        features: &host.leptos.bin_features,
    };
    select(&mut command, [selected].into_iter(), &[]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    command
}

/// Builds the library's documentation; broken links and missing items are errors.
pub fn document(project: &Project) -> Command {
    let mut command = cargo(project, "doc");
    command.args(["--no-deps", "--package", LIBRARY]);
    let library = project
        .server_half
        .iter()
        .find(|member| member.name == LIBRARY);
    features(
        &mut command,
        true,
        &library.map(|member| member.enabled()).unwrap_or_default(),
    );
    command.env("RUSTDOCFLAGS", "-D warnings");
    command
}

/// Whether `cargo <name>` is installed.
pub fn has_subcommand(project: &Project, name: &str) -> bool {
    process::succeeds(cargo(project, name).arg("--version"))
}

fn test_runner(project: &Project, filter: Option<&str>) -> Command {
    if has_subcommand(project, "nextest") {
        let mut command = cargo(project, "nextest");
        command.arg("run");
        // A filter may be meant for other tests than these.
        command.args(filter.map(|_| "--no-tests=pass"));
        return command;
    }
    let mut command = cargo(project, "test");
    command.args(["--tests", "--no-fail-fast"]);
    command
}

fn server_half(command: &mut Command, project: &Project) {
    let mut enabled = Vec::new();
    for member in &project.server_half {
        command.args(["--package", &member.name]);
        enabled.extend(member.enabled());
    }
    features(command, true, &enabled);
}

/// A package of a host, and the features that its metadata names.
struct Selected<'a> {
    package: &'a str,
    default: bool,
    features: &'a [String],
}

fn select<'a>(
    command: &mut Command,
    selected: impl Iterator<Item = Selected<'a>>,
    besides: &[String],
) {
    let (mut default, mut enabled) = (false, besides.to_vec());
    for one in selected {
        command.args(["--package", one.package]);
        // One flag for all of them.
        default |= one.default;
        enabled.extend(
            one.features
                .iter()
                .map(|feature| format!("{}/{feature}", one.package)),
        );
    }
    features(command, default, &enabled);
}

fn features(command: &mut Command, default: bool, enabled: &[String]) {
    if !default {
        command.arg("--no-default-features");
    }
    if !enabled.is_empty() {
        command.args(["--features", &enabled.join(",")]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(command: &Command) -> Vec<String> {
        command
            .get_args()
            .map(|argument| argument.to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn client_and_server_are_built_apart() {
        let project = Project::here();
        let client = arguments(&build_clients(&[&project], Mode::Release));
        let server = arguments(&build_servers(&[&project], Mode::Release));
        let profile = project
            .leptos
            .lib_profile_release
            .as_deref()
            .expect("the client has a profile of its own");
        assert!(
            client.contains(&project.leptos.lib_package) && client.contains(&profile.to_owned()),
            "{client:?}"
        );
        assert!(
            client.contains(&project.front_target().to_string()),
            "{client:?}"
        );
        assert!(
            server.contains(&project.leptos.bin_package) && server.contains(&"release".to_owned()),
            "{server:?}"
        );
        assert!(!server.contains(&project.leptos.lib_package), "{server:?}");
    }

    #[test]
    fn a_server_that_holds_its_site_is_told_where_that_is() {
        let project = Project::here();
        let command = build_alone(&[&project], Mode::Release);
        let arguments = arguments(&command);
        let features = arguments.windows(2).find(|pair| pair[0] == "--features");
        assert_eq!(features.map(|pair| &*pair[1]), Some("server/embed-site"));
        let mut variables = command.get_envs();
        let root = variables.find(|(name, _)| *name == "LEPTOS_SITE_ROOT");
        let root = root.and_then(|(_, root)| root);
        assert_eq!(root, Some(project.site_root.as_os_str()));
    }

    #[test]
    fn hosts_are_built_together_each_with_its_own_features() {
        let project = Project::here();
        let embed = project.embed().expect("a Leptos project");
        let hosts = [&project, &embed];
        for (command, ours, others) in [
            (build_clients(&hosts, Mode::Debug), "hydrate", "ssr"),
            (build_servers(&hosts, Mode::Debug), "ssr", "hydrate"),
        ] {
            let arguments = arguments(&command);
            let has =
                |feature: &str| arguments.contains(&format!("{}/{feature}", embed.leptos.name));
            assert!(has(ours) && !has(others), "{arguments:?}");
        }
    }

    #[test]
    fn files_are_found_where_cargo_puts_them() {
        let project = Project::here();
        let client = client_file(&project, Mode::Debug);
        assert!(
            client.ends_with("front/wasm32-unknown-unknown/debug/frontend.wasm"),
            "{client}"
        );
        let server = server_file(&project, Mode::Release);
        assert_eq!(
            server.parent(),
            Some(project.target.join("release").as_path())
        );
        assert_eq!(server.file_stem(), Some(project.exe_name()));
    }

    #[test]
    fn a_filter_is_the_last_word_of_the_test_command() {
        let project = Project::here();
        for command in [
            test_server_half(&project, Some("rooms")),
            test_docs(&project, Some("rooms")),
        ] {
            assert_eq!(
                arguments(&command).last().map(String::as_str),
                Some("rooms")
            );
        }
        let all = arguments(&test_server_half(&project, None));
        assert!(
            !all.contains(&"--no-tests=pass".to_owned()),
            "without a filter, finding no tests is a failure"
        );
        for feature in ["ssr", "testing", "sqlite", "postgres"] {
            let feature = format!("{LIBRARY}/{feature}");
            let documented = arguments(&document(&project));
            for arguments in [&all, &documented] {
                let enabled = arguments.iter().any(|list| list.contains(&feature));
                assert!(enabled, "{feature} in {arguments:?}");
            }
        }
    }
}
