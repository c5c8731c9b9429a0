//! The server functions of an inbox over HTTP, as a host serves them: guests, other people's notifications, foreign
//! pages, and what no page of ours would send.
#![cfg(all(feature = "testing", feature = "sqlite", feature = "postgres"))]
#![allow(clippy::unwrap_used, reason = "tests")]

#[macro_use]
mod common;

use std::{net::SocketAddr, time::Duration};

use axum::{Router, extract::Request, routing::any};
use common::{
    host::Host,
    inbox::{Told, host, id},
};
use leptos_axum::handle_server_fns_with_context;
use leptos_realtime::{
    ErrorCode, ProtocolError, Realtime, RealtimeConfig,
    protocol::{InboxChange, InboxPage, Preferences},
    server::HostTransaction,
    server_fns::{InboxView, MAX_MARKED, MAX_NOTIFICATIONS},
};
use serde::de::DeserializeOwned;
use sqlx::Transaction;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};

on_every_database!(
    people_read_and_mark_their_own,
    guests_have_no_inbox,
    c10_what_is_anothers_is_not_touched,
    c10_a_page_of_one_person_does_nothing_to_another,
    preferences_have_three_states_and_a_mute_beside,
    another_sites_page_changes_nothing,
    nonsense_is_told_as_such,
);

/// A host's server.
struct Site {
    realtime: Realtime,
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Site {
    async fn open<H: Host>(database: &H) -> Self {
        let builder = host(RealtimeConfig::default()).database(database.database().await);
        let realtime = builder.start().await.unwrap();
        let context = realtime.context();
        let functions = move |request: Request| {
            let context = context.clone();
            async move { handle_server_fns_with_context(context, request).await }
        };
        let app = Router::new().route("/realtime/api/{*function}", any(functions));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            realtime,
            address,
            serving,
        }
    }

    /// Tells people something, as often.
    async fn tell(&self, name: &str, times: u64) {
        for number in 0..times {
            let told = Told {
                row: number,
                number,
                kind: 0,
                subject: None,
            };
            self.realtime.notify([id(name)], &told).await.unwrap();
        }
    }

    /// What is answered to a request with these headers.
    async fn ask(&self, request: &str, headers: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let text = format!(
            "{request} HTTP/1.0\r\nHost: forum.example\r\nAccept: application/json\r\n{headers}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        let _ = timeout(Duration::from_secs(20), read).await.unwrap();
        String::from_utf8(answer).unwrap()
    }

    async fn get(&self, name: Option<&str>, path: &str) -> String {
        let request = format!("GET /realtime/api/{path}");
        self.ask(&request, &cookie(name), "").await
    }

    async fn post(&self, name: Option<&str>, path: &str, form: &str) -> String {
        self.post_from("", name, path, form).await
    }

    async fn post_from(&self, origin: &str, name: Option<&str>, path: &str, form: &str) -> String {
        let form_type = "Content-Type: application/x-www-form-urlencoded\r\n";
        let headers = format!("{}{origin}{form_type}", cookie(name));
        let request = format!("POST /realtime/api/{path}");
        self.ask(&request, &headers, form).await
    }

    async fn inbox(&self, name: &str) -> InboxPage {
        let view: Option<InboxView> = good(&self.get(Some(name), "my_inbox").await);
        view.unwrap().page
    }

    async fn close(self) {
        self.serving.abort();
        self.realtime.shutdown().await;
    }
}

fn cookie(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!("Cookie: name={name}\r\n"))
}

fn good<T: DeserializeOwned>(answer: &str) -> T {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.0 200"), "{answer}");
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

/// The error in an answer, of which nothing tells what the server is made of.
fn bad(answer: &str) -> ProtocolError {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(!head.starts_with("HTTP/1.0 2"), "{answer}");
    for internal in [
        "sqlx",
        "sqlite",
        "postgres",
        "realtime_n",
        "select",
        ".rs",
        "panicked",
    ] {
        assert!(!body.contains(internal), "{answer}");
    }
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

async fn people_read_and_mark_their_own<H: Host>()
where
    Transaction<'static, H::Db>: HostTransaction,
{
    let host = H::new().await;
    let site = Site::open(&host).await;
    site.tell("Ada", 40).await;
    let view: Option<InboxView> = good(&site.get(Some("Ada"), "my_inbox").await);
    let view = view.unwrap();
    assert_eq!((view.user, view.page.unread), (id("Ada"), 40));
    assert!(view.position.is_some());
    let all = usize::from(MAX_NOTIFICATIONS);
    assert_eq!(view.page.notifications.len(), all);
    let next = view.page.next.unwrap();
    let path = format!("inbox?updated={}&id={}&most=20", next.updated, next.id);
    let rest: InboxPage = good(&site.get(Some("Ada"), &path).await);
    assert_eq!((rest.notifications.len(), rest.next), (40 - all, None));
    for (path, count) in [
        ("inbox?most=3&unread=true", 3),
        ("inbox?most=65535", all),
        ("inbox?archived=true", 0),
        ("inbox?kind=vote", 0),
        ("inbox?kind=comment&community=", all),
    ] {
        let page: InboxPage = good(&site.get(Some("Ada"), path).await);
        assert_eq!(page.notifications.len(), count, "{path}");
    }
    let form = format!(
        "ids[0]={}&ids[1]={}&mark=read",
        next.id, rest.notifications[0].id
    );
    let change: InboxChange = good(&site.post(Some("Ada"), "mark_notifications", &form).await);
    assert_eq!((change.change, change.steps, change.unread), (41, 1, 38));
    let changes: InboxChange = good(&site.get(Some("Ada"), "inbox_changes?after=40").await);
    assert_eq!(changes.notifications, change.notifications);
    let all: InboxChange = good(&site.post(Some("Ada"), "mark_all_read", "up_to=41").await);
    assert_eq!((all.change, all.unread), (42, 0));
    site.close().await;
}

async fn preferences_have_three_states_and_a_mute_beside<H: Host>()
where
    Transaction<'static, H::Db>: HostTransaction,
{
    let host = H::new().await;
    let site = Site::open(&host).await;
    let say = async |path: &str, form: &str| {
        let said: Preferences = good(&site.post(Some("Ada"), path, form).await);
        let asked: Preferences = good(&site.get(Some("Ada"), "notification_preferences").await);
        assert_eq!(said, asked, "{path} {form}");
        let vote = said.said(Some("vote"), None);
        (vote.enabled, vote.muted_until.is_some(), said.0.len())
    };
    for (path, form, now) in [
        (
            "prefer_notifications",
            "kind=&community=&enabled=false",
            (None, false, 1),
        ),
        (
            "prefer_notifications",
            "kind=vote&enabled=true",
            (Some(true), false, 2),
        ),
        (
            "mute_notifications",
            "kind=vote&minutes=4294967295",
            (Some(true), true, 2),
        ),
        (
            "prefer_notifications",
            "kind=vote&enabled=false",
            (Some(false), true, 2),
        ),
        (
            "prefer_notifications",
            "kind=vote&community=&enabled=",
            (None, true, 2),
        ),
        (
            "mute_notifications",
            "kind=vote&minutes=0",
            (None, false, 1),
        ),
        (
            "mute_notifications",
            "kind=vote&minutes=60",
            (None, true, 2),
        ),
        ("mute_notifications", "kind=vote&minutes=", (None, false, 1)),
        ("prefer_notifications", "", (None, false, 0)),
    ] {
        assert_eq!(say(path, form).await, now, "{path} {form}");
    }
    site.close().await;
}

async fn c10_a_page_of_one_person_does_nothing_to_another<H: Host>()
where
    Transaction<'static, H::Db>: HostTransaction,
{
    let host = H::new().await;
    let site = Site::open(&host).await;
    site.tell("Ada", 1).await;
    site.tell("Bob", 2).await;
    let before = site.inbox("Bob").await;
    // Bob signed in in another tab; this page is still Ada's.
    for path in ["inbox?user=Ada", "inbox_changes?after=0&user=Ada"] {
        let error = bad(&site.get(Some("Bob"), path).await);
        assert_eq!(error.code, ErrorCode::Unauthorized, "{path}");
    }
    let mark = format!("ids[0]={}&mark=read&user=Ada", before.notifications[0].id);
    for (path, form) in [
        ("mark_notifications", &*mark),
        ("mark_all_read", "up_to=9&user=Ada"),
        ("prefer_notifications", "enabled=false&user=Ada"),
        ("mute_notifications", "minutes=60&user=Ada"),
    ] {
        let error = bad(&site.post(Some("Bob"), path, form).await);
        assert_eq!(error.code, ErrorCode::Unauthorized, "{path}");
    }
    assert_eq!(site.inbox("Bob").await, before);
    let said: Preferences = good(&site.get(Some("Bob"), "notification_preferences").await);
    assert!(said.0.is_empty());
    let page: InboxPage = good(&site.get(Some("Bob"), "inbox?user=Bob").await);
    assert_eq!(page.notifications.len(), 2);
    let all = site.post(Some("Bob"), "mark_all_read", "up_to=9&user=Bob");
    let change: InboxChange = good(&all.await);
    assert_eq!(change.unread, 0);
    // A form of a page that did not know.
    let all = site.post(Some("Ada"), "mark_all_read", "up_to=9&user=");
    let change: InboxChange = good(&all.await);
    assert_eq!(change.unread, 0);
    site.close().await;
}

async fn guests_have_no_inbox<H: Host>()
where
    Transaction<'static, H::Db>: HostTransaction,
{
    let host = H::new().await;
    let site = Site::open(&host).await;
    let none: Option<InboxView> = good(&site.get(None, "my_inbox").await);
    assert_eq!(none, None);
    for path in ["inbox", "inbox_changes?after=0", "notification_preferences"] {
        let error = bad(&site.get(None, path).await);
        assert_eq!(error.code, ErrorCode::Unauthorized, "{path}");
    }
    for (path, form) in [
        ("mark_notifications", "ids[0]=1&mark=read"),
        ("mark_all_read", "up_to=1"),
        ("prefer_notifications", "enabled=false"),
        ("mute_notifications", "minutes=60"),
    ] {
        let error = bad(&site.post(None, path, form).await);
        assert_eq!(error.code, ErrorCode::Unauthorized, "{path}");
    }
    site.close().await;
}

async fn c10_what_is_anothers_is_not_touched<H: Host>()
where
    Transaction<'static, H::Db>: HostTransaction,
{
    let host = H::new().await;
    let site = Site::open(&host).await;
    site.tell("Ada", 3).await;
    site.tell("Bob", 1).await;
    let before = site.inbox("Ada").await;
    let ids = before.notifications.iter().enumerate();
    let ids: String = ids
        .map(|(i, one)| format!("ids[{i}]={}&", one.id))
        .collect();
    for mark in ["read", "unread", "seen", "archived", "unarchived"] {
        let form = format!("{ids}mark={mark}");
        let answer = site.post(Some("Bob"), "mark_notifications", &form).await;
        let change: InboxChange = good(&answer);
        assert_eq!((change.change, change.unread), (1, 1), "{mark}");
        assert_eq!(change.notifications, Some(vec![]), "{mark}");
    }
    let form = format!("up_to={}", u64::MAX);
    let change: InboxChange = good(&site.post(Some("Bob"), "mark_all_read", &form).await);
    assert_eq!(change.unread, 0);
    let bobs: InboxChange = good(&site.get(Some("Bob"), "inbox_changes?after=0").await);
    let ids: Vec<_> = bobs
        .notifications
        .unwrap()
        .iter()
        .map(|one| one.id)
        .collect();
    assert!(
        before
            .notifications
            .iter()
            .all(|one| !ids.contains(&one.id))
    );
    assert_eq!(site.inbox("Ada").await, before);
    site.close().await;
}

async fn another_sites_page_changes_nothing<H: Host>()
where
    Transaction<'static, H::Db>: HostTransaction,
{
    let host = H::new().await;
    let site = Site::open(&host).await;
    site.tell("Ada", 1).await;
    let before = site.inbox("Ada").await;
    let mark = format!("ids[0]={}&mark=read", before.notifications[0].id);
    let forms = [
        ("mark_notifications", &*mark),
        ("mark_all_read", "up_to=9"),
        ("prefer_notifications", "enabled=false"),
        ("mute_notifications", "minutes=60"),
    ];
    for origin in [
        "http://evil.example",
        "null",
        "http://forum.example.evil.example",
    ] {
        let origin = format!("Origin: {origin}\r\n");
        for (path, form) in forms {
            let answer = site.post_from(&origin, Some("Ada"), path, form).await;
            assert_eq!(bad(&answer).code, ErrorCode::OriginDenied, "{origin}{path}");
        }
    }
    // A form that is sent with the method of a link.
    let answer = site
        .get(Some("Ada"), &format!("mark_notifications?{mark}"))
        .await;
    assert!(!answer.starts_with("HTTP/1.0 200"), "{answer}");
    assert_eq!(site.inbox("Ada").await, before);
    let own = "Origin: https://forum.example\r\n";
    for (path, form) in forms {
        let answer = site.post_from(own, Some("Ada"), path, form).await;
        assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
    }
    assert_eq!(site.inbox("Ada").await.unread, 0);
    site.close().await;
}

async fn nonsense_is_told_as_such<H: Host>()
where
    Transaction<'static, H::Db>: HostTransaction,
{
    let host = H::new().await;
    let site = Site::open(&host).await;
    site.tell("Ada", 2).await;
    let before = site.inbox("Ada").await;
    let long = "x".repeat(65);
    for (path, code) in [
        ("inbox?most=65536", ErrorCode::BadRequest),
        ("inbox?most=-1", ErrorCode::BadRequest),
        ("inbox?updated=yesterday&id=1", ErrorCode::BadRequest),
        (
            "inbox?updated=1&id=99999999999999999999",
            ErrorCode::BadRequest,
        ),
        ("inbox?unread=perhaps", ErrorCode::BadRequest),
        ("inbox?kind=%00", ErrorCode::BadRequest),
        ("inbox?community=a%0Ab", ErrorCode::BadRequest),
        (&format!("inbox?kind={long}"), ErrorCode::TooLarge),
        ("inbox_changes", ErrorCode::BadRequest),
        ("inbox_changes?after=", ErrorCode::BadRequest),
        ("inbox_changes?after=-1", ErrorCode::BadRequest),
        (
            "inbox_changes?after=18446744073709551616",
            ErrorCode::BadRequest,
        ),
    ] {
        assert_eq!(bad(&site.get(Some("Ada"), path).await).code, code, "{path}");
    }
    let many: String = (0..=MAX_MARKED).map(|i| format!("ids[{i}]={i}&")).collect();
    for (path, form, code) in [
        ("mark_notifications", "ids[0]=1", ErrorCode::BadRequest),
        (
            "mark_notifications",
            "mark=frobnicate",
            ErrorCode::BadRequest,
        ),
        (
            "mark_notifications",
            "ids[0]=x&mark=read",
            ErrorCode::BadRequest,
        ),
        ("mark_notifications", "%%%", ErrorCode::BadRequest),
        (
            "mark_notifications",
            &*format!("{many}mark=read"),
            ErrorCode::TooLarge,
        ),
        ("mark_all_read", "", ErrorCode::BadRequest),
        ("mark_all_read", "up_to=-1", ErrorCode::BadRequest),
        ("prefer_notifications", "kind=%00", ErrorCode::BadRequest),
        (
            "prefer_notifications",
            &*format!("community={long}"),
            ErrorCode::TooLarge,
        ),
        (
            "mute_notifications",
            "minutes=4294967296",
            ErrorCode::BadRequest,
        ),
        ("prefer_notifications", "enabled=2", ErrorCode::BadRequest),
    ] {
        let answer = site.post(Some("Ada"), path, form).await;
        assert_eq!(bad(&answer).code, code, "{path} {form}");
    }
    // Great numbers are numbers.
    for path in [
        "inbox_changes?after=18446744073709551615",
        "inbox?updated=18446744073709551615&id=-9223372036854775808",
        "inbox?updated=0&id=0",
    ] {
        let answer = site.get(Some("Ada"), path).await;
        assert!(answer.starts_with("HTTP/1.0 200"), "{path}: {answer}");
    }
    for form in [
        "mark=read",
        "ids[0]=9223372036854775807&ids[1]=-1&mark=archived",
    ] {
        let change: InboxChange = good(&site.post(Some("Ada"), "mark_notifications", form).await);
        assert_eq!((change.change, change.unread), (2, 2), "{form}");
    }
    assert_eq!(site.inbox("Ada").await, before);
    site.close().await;
}
