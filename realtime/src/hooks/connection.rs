//! How the connection is.

use leptos::prelude::*;

use super::{Command, RealtimeContext};
use crate::protocol::{Goodbye, UnixMillis, User};

/// The state of the page's connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionState {
    /// Not connected yet: before hydration, and on the server.
    #[default]
    Idle,
    /// Connecting.
    Connecting {
        /// How many tries in a row have failed before.
        attempt: u32,
    },
    /// Connected.
    Live,
    /// Disconnected; the next try is due.
    Waiting {
        /// How many tries in a row have failed.
        attempt: u32,
        /// When the next one is due, by the browser's clock.
        next_try: UnixMillis,
    },
    /// Disconnected; the machine says that it has no network.
    Offline,
    /// The server ended it, and said what to do.
    Stopped(Goodbye),
}

/// What [`use_connection`] returns.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct UseConnectionReturn {
    /// The state of the connection.
    pub state: Signal<ConnectionState>,
    /// Whether the server is cut off from the other instances: it goes on for its own people, and people and events
    /// elsewhere are heard of when that is mended.
    pub degraded: Signal<bool>,
    /// How long the last heartbeat took to the server and back, in milliseconds; nothing while not connected.
    pub latency: Signal<Option<u64>>,
    /// Who the server says is signed in on this connection.
    pub user: Signal<Option<User>>,
    /// Connects anew at once: after signing in or out without loading the page again.
    pub reconnect: Command,
}

/// How the connection is, as it changes.
///
/// ## Usage
/// ```
/// use leptos::prelude::*;
/// use leptos_realtime::{ConnectionState, use_connection};
///
/// #[component]
/// fn Lamp() -> impl IntoView {
///     let connection = use_connection();
///     view! { <Show when=move || connection.state.get() == ConnectionState::Live>"live"</Show> }
/// }
/// ```
///
/// ## Server-side rendering
/// [`ConnectionState::Idle`], nobody signed in.
pub fn use_connection() -> UseConnectionReturn {
    let context = use_context::<RealtimeContext>();
    #[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
    if let Some(context) = context {
        let client = StoredValue::new(context.client.clone());
        return UseConnectionReturn {
            state: context.client.state().into(),
            degraded: context.client.degraded().into(),
            latency: context.client.latency().into(),
            user: context.client.user().into(),
            reconnect: Command::new(move || {
                client.try_with_value(|client| client.reconnect());
            }),
        };
    }
    let _ = context;
    UseConnectionReturn {
        state: Signal::stored(ConnectionState::Idle),
        degraded: Signal::stored(false),
        latency: Signal::stored(None),
        user: Signal::stored(None),
        reconnect: Command::new(|| {}),
    }
}
