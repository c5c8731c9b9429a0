//! What the hooks of one page share.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
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

    /// Forgets a first view that has been shown, unless there is a newer one: at the next visit it would be old.
    #[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
    pub(crate) fn drop_first_view(&self, shown: &FirstView) {
        let mut views = self
            .first_views
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        views.retain(|view| view.room != shown.room || view.position != shown.position);
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
    /// How long a room stays joined after its last use: the page that follows may use it too, once its data is there.
    pub linger: Duration,
    /// Whether a page that the server does not serve any more (its protocol is too old) loads itself again: once, and
    /// not while somebody has written something into it. Otherwise the person is asked to.
    pub reloads: bool,
}

impl Default for RealtimeOptions {
    fn default() -> Self {
        Self {
            path: "/realtime".to_owned(),
            tokens: None,
            linger: Duration::from_secs(2),
            reloads: true,
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

    /// Keeps rooms joined for another time than two seconds after their last use.
    #[must_use]
    pub fn linger(mut self, linger: Duration) -> Self {
        self.linger = linger;
        self
    }

    /// Never loads the page again by itself: see [`reloads`](Self::reloads).
    #[must_use]
    pub fn never_reload(mut self) -> Self {
        self.reloads = false;
        self
    }
}

/// As [`provide_realtime`], with options.
///
/// ```
/// use leptos::prelude::*;
/// use leptos_realtime::{RealtimeOptions, TokenSource, provide_realtime_with};
///
/// # async fn fetch_token() -> Result<Option<String>, ServerFnError> { Ok(None) }
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
        client: Client::new(options),
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

/// A room as it is shown: the first view until hydration, then what the client knows.
#[derive(Clone, Copy)]
pub(crate) struct ShownView {
    room: Signal<RoomId>,
    context: StoredValue<Option<RealtimeContext>>,
    /// Nothing before the effect, which runs after hydration: the first client render equals the HTML.
    live: RwSignal<Option<ArcRwSignal<RoomView>>>,
}

impl ShownView {
    /// Looks at the view, and follows it.
    pub(crate) fn with<T>(self, look: impl FnOnce(&RoomView) -> T) -> T {
        self.live.with(|live| match live {
            Some(live) => live.with(look),
            None => look(&self.first()),
        })
    }

    fn first(self) -> RoomView {
        let room = self.room.get();
        let first = self.context.try_get_value().flatten();
        let first = first.and_then(|context| context.first_view(&room));
        first
            .as_ref()
            .map(RoomView::from_first_view)
            .unwrap_or_default()
    }
}

/// Uses a room for as long as the component lives, and shows it.
pub(crate) fn use_room_view(room: Signal<RoomId>) -> ShownView {
    let context = use_context::<RealtimeContext>();
    let live = RwSignal::new(None::<ArcRwSignal<RoomView>>);
    #[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
    if let Some(context) = &context {
        crate::client::follow_room(context, room, move |_, view, _| {
            live.set(Some(view));
            || {}
        });
    }
    ShownView {
        room,
        context: StoredValue::new(context),
        live,
    }
}
