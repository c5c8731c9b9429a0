//! What is kept of people in the host's database: it outlives the process. Each test runs on SQLite and on a real
//! Postgres.
#![cfg(all(feature = "testing", feature = "sqlite", feature = "postgres"))]
#![allow(clippy::unwrap_used, reason = "tests")]

#[macro_use]
mod common;

use std::time::{SystemTime, UNIX_EPOCH};

use common::host::Host;
use leptos_realtime::{
    Realtime, RealtimeConfig, SignIn, User, UserId,
    core::{session::Connection, view::ViewState},
    protocol::{Auth, CloseAction, Online},
    rooms,
    testing::TestClient,
};

rooms! { Board(i64) => String }

on_every_database!(
    who_hides_is_hidden_after_a_restart_too,
    when_somebody_was_last_seen_outlives_the_process,
    c10_a_revoked_sign_in_stays_revoked_after_a_restart,
);

fn id(name: &str) -> UserId {
    UserId::try_from(name).unwrap()
}

async fn node<H: Host>(host: &H) -> Realtime {
    let issued = 1_000;
    Realtime::builder(RealtimeConfig::default())
        .authenticate(move |handshake| async move {
            let name = handshake.token().map(str::to_owned);
            Ok(name.map(|name| SignIn {
                user: User::new(id(&name), name),
                issued: Some(issued),
                expires: None,
            }))
        })
        .authorize(|_, rooms, _| async move { Ok(rooms) })
        .database(host.database().await)
        .start()
        .await
        .unwrap()
}

async fn client(node: &Realtime, name: &str) -> TestClient {
    let auth = Auth {
        token: Some(name.into()),
        ..Auth::default()
    };
    let mut client = TestClient::connect(node, auth);
    client.join(Board(7), None);
    client
        .until("the client sees itself", |client| {
            let view = client.view(Board(7));
            view.is_some_and(|view| view.member(&id(name)).is_some())
        })
        .await;
    client
}

async fn who_hides_is_hidden_after_a_restart_too<H: Host>() {
    let host = H::new().await;
    let before = node(&host).await;
    before.set_invisible(id("Ghost"), true).await.unwrap();
    before.shutdown().await;
    let after = node(&host).await;
    let ghost = client(&after, "Ghost").await;
    assert!(ghost.session().is_invisible());
    let ada = client(&after, "Ada").await;
    assert_eq!(ada.names(Board(7)), ["Ada"]);
    after.shutdown().await;
}

async fn when_somebody_was_last_seen_outlives_the_process<H: Host>() {
    let host = H::new().await;
    let began = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let before = node(&host).await;
    let mut bob = client(&before, "Bob").await;
    bob.bye();
    bob.until("he is gone", |bob| {
        matches!(bob.connection(), Connection::Stopped(_))
    })
    .await;
    let mut cyd = client(&before, "Cyd").await;
    before.shutdown().await;
    let after = node(&host).await;
    let mut ada = client(&after, "Ada").await;
    for name in ["Bob", "Cyd"] {
        let room = Online(id(name));
        ada.join(room.clone(), None);
        ada.until("it is known when they were last seen", |ada| {
            let view = ada.view(room.clone()).unwrap();
            view.state == ViewState::Live
                && view
                    .last_seen
                    .is_some_and(|at| u128::from(at) >= began.as_millis())
        })
        .await;
    }
    cyd.drop_connection(&after);
    ada.until("and that they are back", |ada| {
        ada.view(Online(id("Cyd"))).unwrap().last_seen.is_some()
    })
    .await;
    tokio::join!(
        cyd.until("Cyd is back", |cyd| *cyd.connection() == Connection::Live),
        ada.until("Ada sees it", |ada| {
            let view = ada.view(Online(id("Cyd"))).unwrap();
            !view.members.is_empty() && view.last_seen.is_none()
        }),
    );
    after.shutdown().await;
}

async fn c10_a_revoked_sign_in_stays_revoked_after_a_restart<H: Host>() {
    let host = H::new().await;
    let before = node(&host).await;
    client(&before, "Bob").await;
    before.revoke(id("Bob")).await.unwrap();
    before.shutdown().await;
    let after = node(&host).await;
    let auth = Auth {
        token: Some("Bob".into()),
        ..Auth::default()
    };
    let mut bob = TestClient::connect(&after, auth);
    bob.until("he has to sign in again", |bob| {
        matches!(bob.connection(), Connection::Stopped(goodbye) if goodbye.action == CloseAction::SignIn)
    })
    .await;
    after.shutdown().await;
}
