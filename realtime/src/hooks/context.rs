//! What the hooks of one page share.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use leptos::prelude::*;

use super::TokenSource;
#[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
use crate::client::Client;
use crate::{
    core::view::RoomView,
    protocol::{FirstView, RoomId},
};

/// The first views of the rooms that a page shows at once, at most.
const MAX_FIRST_VIEWS: usize = 64;

/// What the hooks of one page share, in the context.
#[derive(Clone)]
pub(crate) struct RealtimeContext {
    first_views: Arc<Mutex<VecDeque<FirstView>>>,
    #[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
    pub(crate) client: Client,
}

impl RealtimeContext {
    pub(crate) fn first_view(&self, room: &RoomId) -> Option<FirstView> {
        let views = self
            .first_views
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        views.iter().find(|view| view.room == *room).cloned()
    }

    fn add_first_view(&self, view: FirstView) {
        let mut views = self
            .first_views
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        views.retain(|older| older.room != view.room);
        views.truncate(MAX_FIRST_VIEWS - 1);
        views.push_front(view);
    }
}

/// Makes the hooks work below the component that calls it: once, at the root of the app. In the browser it connects
/// after hydration, and ends the connection with the component.
///
/// ```
/// use leptos::prelude::*;
/// use leptos_realtime::{ConnectionBadge, provide_realtime};
///
/// #[component]
/// fn App() -> impl IntoView {
///     provide_realtime();
///     view! { <ConnectionBadge/> }
/// }
/// ```
pub fn provide_realtime() {
    provide_realtime_with(RealtimeOptions::default());
}

/// What a host may want otherwise: see [`provide_realtime_with`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RealtimeOptions {
    /// `RealtimeConfig::path`, where the host changed it.
    pub path: String,
    /// Where the page gets its tokens, where it signs in with tokens and not with a cookie.
    pub tokens: Option<TokenSource>,
}

impl Default for RealtimeOptions {
    fn default() -> Self {
        Self {
            path: "/realtime".to_owned(),
            tokens: None,
        }
    }
}

impl RealtimeOptions {
    /// Another path than `/realtime`.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Signs in with tokens: the function is called before each connect, and a while before the sign-in expires.
    #[must_use]
    pub fn tokens(mut self, tokens: TokenSource) -> Self {
        self.tokens = Some(tokens);
        self
    }
}

/// As [`provide_realtime`], with options.
///
/// ```
/// use leptos::prelude::*;
/// use leptos_realtime::hooks::{RealtimeOptions, TokenSource, provide_realtime_with};
///
/// # async fn fetch_token() -> Option<String> { None }
/// #[component]
/// fn App() -> impl IntoView {
///     provide_realtime_with(RealtimeOptions::default().tokens(TokenSource::new(fetch_token)));
/// }
/// ```
pub fn provide_realtime_with(options: RealtimeOptions) {
    #[cfg(not(all(target_arch = "wasm32", feature = "hydrate")))]
    let _ = options;
    let context = RealtimeContext {
        first_views: Arc::default(),
        #[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
        client: Client::new(&options.path, options.tokens),
    };
    #[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
    {
        let client = context.client.clone();
        let closing = client.clone();
        Effect::new(move |_| client.start());
        on_cleanup(move || closing.close());
    }
    provide_context(context);
}

/// Takes the [`FirstView`] that came with a page's data: from here on, hooks below and beside show its people at once,
/// on the server and in the first client render, and go on from its position.
pub fn use_first_view(view: FirstView) {
    if let Some(context) = use_context::<RealtimeContext>() {
        context.add_first_view(view);
    }
}

/// A room's view as it changes: the first view until hydration, then what the client knows.
pub(crate) fn use_room_view(room: Signal<RoomId>) -> Signal<RoomView> {
    let context = use_context::<RealtimeContext>();
    let first = {
        let context = context.clone();
        move |room: &RoomId| {
            let view = context
                .as_ref()
                .and_then(|context| context.first_view(room));
            view.as_ref()
                .map(RoomView::from_first_view)
                .unwrap_or_default()
        }
    };
    #[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
    if let Some(context) = context {
        // Nothing before the effect, which runs after hydration: the first client render equals the HTML.
        let live = RwSignal::new(None::<ArcRwSignal<RoomView>>);
        crate::client::follow_room(&context, room, move |_, view, _| {
            live.set(Some(view));
            || {}
        });
        return Signal::derive(move || match live.get() {
            Some(live) => live.get(),
            None => first(&room.get()),
        });
    }
    Signal::derive(move || first(&room.get()))
}
