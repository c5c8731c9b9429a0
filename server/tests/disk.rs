//! What becomes of the forum where its disk has no room any more.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::{fs, process::Command};

use common::{Folder, Forum};

/// The forum, whose files may be no longer than so many kilobytes: to SQLite that is a disk without room.
fn limited(kilobytes: u32) -> Command {
    let mut command = Command::new("/bin/sh");
    // In blocks of 512 bytes. A process that did not ignore the signal would be ended by it.
    let blocks = kilobytes * 2;
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\"");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_forum")]);
    command
}

#[test]
fn a_full_disk_takes_no_posts_and_loses_none() {
    let forum = Forum::start_in(Folder::new("disk"), limited(700), &[]);
    let answer = forum.ask("POST /api/look_around", "name=Ada");
    let session = answer.split_once("forum_session=").unwrap().1;
    let session = session.split(';').next().unwrap();
    let cookie = format!("Cookie: forum_session={session}");
    let post = |forum: &Forum, title: &str| {
        let body = format!("board=1&title={title}&body={}", "x".repeat(3_000));
        forum.ask(&format!("POST /api/create_post\n{cookie}"), &body)
    };
    let mut taken = Vec::new();
    let refused = loop {
        let title = format!("number-{:04}", taken.len());
        let answer = post(&forum, &title);
        if !answer.starts_with("HTTP/1.1 200") {
            break answer;
        }
        taken.push(title);
        assert!(taken.len() < 1_000, "the disk is never full");
    };
    assert!(refused.starts_with("HTTP/1.1 500"), "{refused}");
    let readable = |forum: &Forum| {
        let page = forum.ask("GET /c/harbour/square", "");
        assert!(page.starts_with("HTTP/1.1 200"), "{page}");
        let last = taken.last().unwrap();
        assert!(page.contains(last), "{last} is not there");
    };
    readable(&forum);
    let folder = forum.leave();
    let file = fs::read(folder.0.join("forum.db")).unwrap();
    for title in &taken {
        let kept = file
            .windows(title.len())
            .any(|bytes| bytes == title.as_bytes());
        assert!(kept, "{title} is not there");
    }
    // Somebody makes room.
    let forum = Forum::start_in(folder, Command::new(env!("CARGO_BIN_EXE_forum")), &[]);
    readable(&forum);
    let answer = post(&forum, "there-is-room-again");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn a_disk_that_is_full_at_the_start_is_named() {
    let folder = Folder::new("full");
    let output = limited(64)
        .env_clear()
        .env(
            "DATABASE_URL",
            format!("sqlite:{}/forum.db", folder.0.display()),
        )
        .env("LEPTOS_SITE_ADDR", "127.0.0.1:0")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("is there room on its disk?") && said.contains("disk I/O error"),
        "{said}"
    );
}
