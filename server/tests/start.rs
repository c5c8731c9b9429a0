//! The executable as an operator starts it: what it says of itself, and what it says when it cannot start.

mod common;

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use common::Folder;

/// How long it may take to say what it has to say.
const DEADLINE: Duration = Duration::from_secs(20);

fn forum(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_forum"));
    command.args(arguments).envs(variables.iter().copied());
    ended(folder, &mut command)
}

/// What a command prints in this folder, without our environment. One that goes on, as a server does, is ended.
fn ended(folder: &Path, command: &mut Command) -> Output {
    let said: Vec<_> = command
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
        .collect();
    command
        .env_clear()
        .envs(said)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("it was started");
    let deadline = Instant::now() + DEADLINE;
    while child.try_wait().expect("a child of ours").is_none() {
        if Instant::now() > deadline {
            child.kill().expect("a child of ours");
        }
        sleep(Duration::from_millis(5));
    }
    child.wait_with_output().expect("what it printed")
}

/// What it prints where it must end with a failure, without a panic.
fn refused(folder: &Path, variables: &[(&str, &str)]) -> String {
    let output = forum(folder, &[], variables);
    let said = String::from_utf8(output.stderr).expect("a text");
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.starts_with("forum: ") && !said.contains("panicked"),
        "{said}"
    );
    said
}

#[test]
fn it_says_what_it_is_and_how_it_is_used() {
    let folder = Folder::new("help");
    let said = |argument| {
        let output = forum(&folder.0, &[argument], &[]);
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(
        said("--version"),
        format!("forum {}\n", env!("CARGO_PKG_VERSION"))
    );
    let help = said("--help");
    for part in [
        "--check-config",
        "--operator <NAME>",
        "DATABASE_URL=sqlite:data/forum.db",
        "where the forum listens",
    ] {
        assert!(help.contains(part), "{help}");
    }
    assert!(said("-h").len() < 1_000);
    assert_eq!(
        forum(&folder.0, &["--nonsense"], &[]).status.code(),
        Some(2)
    );
}

#[test]
fn what_it_cannot_use_it_names_and_ends() {
    let folder = Folder::new("refused");
    fs::write(folder.0.join("file"), "no database").unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap();
    let address = taken.to_string();
    for (variables, parts) in [
        (
            &[("LEPTOS_SITE_ADDR", &*address)][..],
            &["cannot listen on", &*address, "LEPTOS_SITE_ADDR"][..],
        ),
        (
            &[("LEPTOS_SITE_ADDR", "here")],
            &["LEPTOS_SITE_ADDR is \"here\"", "127.0.0.1:3000"],
        ),
        (
            &[("PORT", "http")],
            &["PORT is \"http\"", "expected a port"],
        ),
        (
            &[("DATABASE_URL", "sqlite:file")],
            &["the database \"sqlite:file\" cannot be opened"],
        ),
        (
            &[("DATABASE_URL", "sqlite:file/below/forum.db")],
            &["cannot be opened", "may it be written"],
        ),
        (
            &[("DATABASE_URL", "mysql://ada:hunter2@h/f")],
            &["DATABASE_URL begins with \"mysql\""],
        ),
        (
            &[("REALTIME_OPERATOR_TOKEN", "hunter2")],
            &["REALTIME_OPERATOR_TOKEN", "at least 16 characters"],
        ),
        (&[("REDIS_URL", "hunter2")], &["REDIS_URL"]),
        (
            &[("APP_ENV", "production")],
            &["REDIS_URL", "SINGLE_INSTANCE=true"],
        ),
        (&[("RUST_LOG", "loud=very")], &["RUST_LOG is \"loud=very\""]),
    ] {
        let said = refused(&folder.0, variables);
        for part in parts {
            assert!(said.contains(part), "{variables:?}: {said}");
        }
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn a_file_with_variables_is_read_in_development_only_and_its_errors_have_a_line() {
    let folder = Folder::new("dotenv");
    fs::write(folder.0.join(".env"), "# ours\nPORT=http\n").unwrap();
    let said = refused(&folder.0, &[]);
    assert!(said.contains("PORT is \"http\""), "{said}");
    // The environment comes first.
    let said = refused(&folder.0, &[("PORT", "ftp")]);
    assert!(said.contains("PORT is \"ftp\""), "{said}");
    let said = refused(&folder.0, &[("APP_ENV", "production")]);
    assert!(said.contains("SINGLE_INSTANCE=true"), "{said}");
    fs::write(folder.0.join(".env"), "# ours\nhunter2\n").unwrap();
    let said = refused(&folder.0, &[]);
    assert!(
        said.contains("line 2 of .env") && !said.contains("hunter2"),
        "{said}"
    );
}

#[test]
fn the_configuration_is_checked_without_starting() {
    let folder = Folder::new("check");
    let check = |variables: &[(&str, &str)]| {
        let output = forum(&folder.0, &["--check-config"], variables);
        let said = String::from_utf8(output.stdout).unwrap();
        (output.status.code(), said)
    };
    let (code, said) = check(&[
        ("REALTIME_FLODS", "7"),
        ("REALTIME_OPERATOR_TOKEN", "hunter2-0123456789"),
    ]);
    assert_eq!(code, Some(0), "{said}");
    for part in [
        "ok    the database: SQLite, will be made at data/forum.db",
        "warn  REALTIME_FLODS is set, and nothing reads it: is REALTIME_FLOODS meant?",
        "files and connections at a time",
    ] {
        assert!(said.contains(part), "{said}");
    }
    assert!(!said.contains("hunter2"), "{said}");
    assert_eq!(folder.0.read_dir().unwrap().count(), 0, "it leaves nothing");
    let (code, said) = check(&[("REDIS_URL", "redis://127.0.0.1:1")]);
    assert_eq!(code, Some(1), "{said}");
    let line = said.lines().find(|line| line.contains("FAIL"));
    let line = line.unwrap_or_default();
    assert!(line.contains("Redis at 127.0.0.1:1"), "{said}");
}

#[tokio::test]
async fn who_looks_after_the_site_is_said_on_its_machine() {
    let folder = Folder::new("operators");
    let url = format!("sqlite:{}", folder.0.join("forum.db").display());
    let run = |arguments: &[&str]| {
        let output = forum(&folder.0, arguments, &[("DATABASE_URL", &url)]);
        let both = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(both).unwrap())
    };
    let (code, said) = run(&["--operator", "Maren Holt"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("there is no database at"), "{said}");
    assert_eq!(folder.0.read_dir().unwrap().count(), 0, "and none is made");
    // With the people of its little town.
    let filled = app::backend::Forum::open(&url).await.unwrap();
    filled.close().await;
    for (arguments, parts) in [
        (
            ["--operator", " maren HOLT"],
            &["Maren Holt (person 1) is an operator now", "no password"][..],
        ),
        (["--operator", "Maren Holt"], &["was an operator already"]),
        (
            ["--no-operator", "Maren Holt"],
            &["Maren Holt (person 1) is no operator any more"],
        ),
        (["--no-operator", "Maren Holt"], &["was no operator"]),
    ] {
        let (code, said) = run(&arguments);
        assert_eq!(code, Some(0), "{said}");
        for part in parts {
            assert!(said.contains(part), "{arguments:?}: {said}");
        }
    }
    for argument in ["--operator", "--no-operator"] {
        let (code, said) = run(&[argument, "Maren Bolt"]);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("nobody is called \"Maren Bolt\""), "{said}");
    }
    let (code, _) = run(&["--operator", "Maren Holt", "--no-operator", "Maren Holt"]);
    assert_eq!(code, Some(2), "one or the other");
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_no_text_is_named() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};
    let folder = Folder::new("text");
    let mut command = Command::new(env!("CARGO_BIN_EXE_forum"));
    command.env("SITE_URL", OsStr::from_bytes(b"http://\xff"));
    let output = ended(&folder.0, &mut command);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("SITE_URL is not valid UTF-8"), "{said}");
}

#[cfg(unix)]
#[test]
fn too_few_files_are_told_of() {
    let folder = Folder::new("files");
    let start = format!(
        "ulimit -n 4096; exec {} --check-config",
        env!("CARGO_BIN_EXE_forum")
    );
    let output = ended(&folder.0, Command::new("sh").args(["-c", &start]));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.contains(
            "warn  4096 files and connections at a time (soft limit 4096, hard limit 4096)"
        ),
        "{said}"
    );
}
