//! A host's app with the module in it, as the embedding guide does it: nothing is passed to the host's own routes.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header::COOKIE},
    routing::{any, get},
};
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_axum::{generate_route_list, handle_server_fns, render_app_async};
use leptos_realtime::{
    FirstView, NotificationBell, PresenceAvatars, Realtime, RealtimeConfig, Room, User,
    WithFirstView, provide_notifications, rooms,
    server::{RealtimeBuilder, ServeError},
    signed_in,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tower::ServiceExt as _;

rooms! { Lobby(u8); Cellar(u8) }

#[server]
async fn my_name() -> Result<String, ServerFnError> {
    Ok(signed_in().await?.name)
}

#[component]
fn Page() -> impl IntoView {
    provide_notifications();
    view! {
        <NotificationBell href="/inbox"/>
        <WithFirstView room=Lobby(1)><PresenceAvatars room=Lobby(1)/></WithFirstView>
    }
}

/// A host's own app, which knows nothing of the module.
fn app() -> Router {
    // As every host does: without it leptos cannot spawn.
    generate_route_list(Page);
    let functions = any(|request| async move { handle_server_fns(request).await });
    Router::new()
        .route("/realtime/api/{*function}", functions.clone())
        .route("/api/{*function}", functions)
        .fallback(get(render_app_async(|| view! { <Page/> })))
}

fn module() -> RealtimeBuilder {
    Realtime::builder(RealtimeConfig::default())
        .authenticate(|visitor| async move { Ok(visitor.cookie("name").and_then(User::named)) })
        .authorize(|_who, rooms, _access| async move {
            let open = rooms
                .into_iter()
                .filter(|room| Lobby::from_room_id(room).is_some());
            Ok(open.collect())
        })
}

/// What a person, or a guest, is answered.
async fn ask(app: &Router, name: &str, method: &str, path: &str) -> (StatusCode, String) {
    let mut request = Request::builder().method(method).uri(path);
    if !name.is_empty() {
        request = request.header(COOKIE, format!("name={name}"));
    }
    let form = "application/x-www-form-urlencoded";
    let request = request.header("content-type", form).body(Body::empty());
    let answer = app.clone().oneshot(request.unwrap()).await.unwrap();
    let status = answer.status();
    let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn pages_and_server_functions_find_the_module_in_the_request() {
    let realtime = module().start().await.unwrap();
    let app = realtime.embed(app());

    let (status, html) = ask(&app, "", "GET", "/anywhere").await;
    assert_eq!(status, StatusCode::OK);
    assert!(html.contains("Nobody is here right now"), "{html}");
    assert!(
        !html.contains("rt-skeleton"),
        "the view came with the page: {html}"
    );

    let (status, name) = ask(&app, "Ada", "POST", MyName::PATH).await;
    assert_eq!((status, name.as_str()), (StatusCode::OK, "\"Ada\""));
    let (status, error) = ask(&app, "", "POST", MyName::PATH).await;
    assert!(
        !status.is_success() && error.contains("sign in first"),
        "{status} {error}"
    );

    let (status, _) = ask(&app, "", "GET", "/realtime/style.css").await;
    assert_eq!(status, StatusCode::OK);
    realtime.shutdown().await;
}

#[tokio::test]
async fn a_first_view_is_only_of_a_room_that_its_viewer_may_see() {
    let realtime = module().start().await.unwrap();
    let app = realtime.embed(app());
    let view_of = |room: &str| format!("/realtime/api/first_view?room={room}");

    let (status, view) = ask(&app, "Ada", "GET", &view_of("lobby:1")).await;
    assert_eq!(status, StatusCode::OK, "{view}");
    let view: FirstView = serde_json::from_str(&view).unwrap();
    assert_eq!((view.room, view.members.len()), (Lobby(1).room_id(), 0));

    let (status, error) = ask(&app, "Ada", "GET", &view_of("cellar:1")).await;
    assert!(
        !status.is_success() && error.contains("forbidden"),
        "{status} {error}"
    );
    realtime.shutdown().await;
}

#[tokio::test]
async fn without_the_module_a_page_is_shown_all_the_same() {
    let (status, html) = ask(&app(), "Ada", "GET", "/").await;
    assert_eq!(status, StatusCode::OK);
    assert!(html.contains("rt-presence"), "{html}");
}

#[tokio::test]
async fn the_builder_serves_the_app_and_keeps_a_file_of_its_own() {
    let folder = std::env::temp_dir().join(format!("realtime-embed-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("app.db");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = module().sqlite(&file).serve(listener, app());
    let asked = tokio::time::timeout(Duration::from_secs(20), async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = "GET / HTTP/1.1\r\nHost: x\r\nCookie: name=Ada\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    });
    let answer = tokio::select! {
        served = serving => panic!("it ended: {served:?}"),
        answer = asked => answer.unwrap(),
    };
    assert!(
        answer.contains("data-unread=\"0\""),
        "her inbox is empty, and known: {answer}"
    );
    assert!(file.exists());
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn a_module_that_cannot_start_does_not_serve() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let builder = Realtime::builder(RealtimeConfig::default());
    let builder = builder.authorize(|_who, rooms, _access| async move { Ok(rooms) });
    let error = builder.serve(listener, app()).await.unwrap_err();
    assert!(matches!(error, ServeError::Start(_)), "{error}");
    assert!(error.to_string().contains(".authenticate(…)"), "{error}");
}
