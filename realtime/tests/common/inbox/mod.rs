//! A person's inbox on several devices, over several instances: what pages of it do, what should come of it, and random
//! lives in which much goes wrong.

pub mod device;
pub mod life;
pub mod model;

use std::future::Future;

use http::{Request, header, request::Parts};
use leptos::{
    prelude::{Owner, provide_context},
    reactive::computed::ScopedFuture,
};
use leptos_realtime::{
    Notification, NotificationData, Realtime, RealtimeConfig, User, UserId, protocol::Auth,
    server::RealtimeBuilder,
};
use serde::{Deserialize, Serialize};

/// What people are told here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// A name for the row of the inbox that it should be in.
    pub row: u64,
    /// Counts what was told.
    pub number: u64,
    /// Which kind.
    pub kind: u8,
    /// What it is about.
    pub subject: Option<u8>,
}

impl NotificationData for Told {
    fn kind(&self) -> &'static str {
        ["comment", "vote", "mention"][usize::from(self.kind) % 3]
    }

    fn subject(&self) -> Option<String> {
        self.subject.map(|subject| format!("post:{subject}"))
    }

    fn title(notification: &Notification<Self>) -> String {
        format!("{} did something", notification.who())
    }
}

/// A host in which a token, or the cookie `name`, is the name of who presents it, and everybody may do everything.
pub fn host(config: RealtimeConfig) -> RealtimeBuilder {
    Realtime::builder(config)
        .authenticate(|handshake| async move {
            let cookie = handshake.parts().headers.get(header::COOKIE);
            let cookie = cookie.and_then(|cookie| cookie.to_str().ok()?.strip_prefix("name="));
            Ok(handshake.token().or(cookie).map(person))
        })
        .authorize(|_, rooms, _| async move { Ok(rooms) })
}

/// Somebody, whose name is their id.
pub fn person(name: &str) -> User {
    User::new(id(name), name)
}

pub fn id(name: &str) -> UserId {
    UserId::try_from(name).unwrap()
}

/// How somebody's page connects.
pub fn auth(name: &str) -> Auth {
    Auth {
        token: Some(name.to_owned()),
        ..Auth::default()
    }
}

/// What the request of somebody's page carries; a guest's has no name.
pub fn request(name: Option<&str>) -> Parts {
    let mut request = Request::new(());
    if let Some(name) = name {
        let cookie = format!("name={name}").parse().unwrap();
        request.headers_mut().insert(header::COOKIE, cookie);
    }
    request.into_parts().0
}

/// Runs a server function as for this request.
pub async fn as_page<T>(node: &Realtime, request: Parts, function: impl Future<Output = T>) -> T {
    let owner = Owner::new();
    let scoped = owner.with(|| {
        provide_context(node.clone());
        provide_context(request);
        ScopedFuture::new(function)
    });
    scoped.await
}
