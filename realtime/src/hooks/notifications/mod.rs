//! The person's inbox.

mod list;
#[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
mod live;

use std::{
    future::{IntoFuture as _, poll_fn},
    pin::pin,
};

use leptos::prelude::*;
pub(crate) use list::InboxList;

use super::{RealtimeContext, provide_realtime};
use crate::{
    core::inbox::{Inbox, Marked, Shown},
    protocol::{
        Mark, Notification, NotificationData, NotificationId, ProtocolError, UserId,
        WireNotification,
    },
    server_fns::{InboxView, my_inbox},
};

/// How much of an inbox can be trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum InboxState {
    /// It is on its way.
    #[default]
    Loading,
    /// It is here.
    Ready,
    /// Nobody is signed in, or nobody provided it.
    SignedOut,
    /// It cannot be had right now: [`UseNotificationsReturn::retry`].
    Failed(ProtocolError),
}

/// What the hooks and components of one page share.
#[derive(Clone, Copy)]
pub(crate) struct Notifications {
    /// As it was when the page was made.
    pub(crate) first: Resource<Result<Option<InboxView>, ProtocolError>>,
    /// What is known since; not loaded before hydration.
    inbox: RwSignal<Inbox>,
    loading_more: RwSignal<bool>,
    /// Why the last thing that the person did was taken back.
    failed: RwSignal<Option<ProtocolError>>,
    /// The newest things that came while the page was open.
    news: RwSignal<Vec<WireNotification>>,
    #[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
    questions: live::Questions,
}

/// Loads the inbox of whoever is signed in, and follows it: once, at the root of the app, below
/// [`provide_realtime`](super::provide_realtime), which it calls where the host has not. The host's app needs the module
/// in it ([`Realtime::embed`](crate::Realtime::embed)), and the module a database.
///
/// ```
/// use leptos::prelude::*;
/// use leptos_realtime::{NotificationBell, provide_notifications, provide_realtime};
///
/// #[component]
/// fn App() -> impl IntoView {
///     provide_realtime();
///     provide_notifications();
///     view! { <NotificationBell href="/inbox"/> }
/// }
/// ```
pub fn provide_notifications() {
    // Without it the inbox would stay as it was when the page was made, and nothing would say why.
    if use_context::<RealtimeContext>().is_none() {
        provide_realtime();
    }
    let notifications = Notifications {
        // With the page, so that the count is right in the first HTML.
        first: Resource::new_blocking(|| (), |()| my_inbox()),
        inbox: RwSignal::new(Inbox::default()),
        loading_more: RwSignal::new(false),
        failed: RwSignal::new(None),
        news: RwSignal::new(Vec::new()),
        #[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
        questions: live::Questions::new(),
    };
    #[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
    notifications.follow();
    provide_context(notifications);
}

impl Notifications {
    /// Looks at the inbox, as it is known. Inside a `Suspense`, waits for it.
    fn with<T>(self, look: impl FnOnce(&Inbox) -> T) -> T {
        if self.inbox.with(Inbox::is_loaded) {
            return self.inbox.with(look);
        }
        let mut inbox = Inbox::default();
        if let Some(Ok(Some(view))) = self.first.get() {
            inbox.turn_to(Some(view.user));
            inbox.begin(view.page);
        }
        look(&inbox)
    }

    /// Waits for the first page, without being asked again when it is loaded anew: what is shown follows by itself, and
    /// keeps its place, its rows and the keyboard's focus.
    pub(crate) async fn ready(self) {
        untracked(self.first.into_future()).await;
    }

    /// Whose it is, where that is known.
    pub(crate) fn user(self) -> Option<UserId> {
        self.with(|inbox| inbox.user().cloned())
    }

    pub(crate) fn state(self) -> InboxState {
        if self.inbox.with(Inbox::is_loaded) {
            return InboxState::Ready;
        }
        match self.first.get() {
            None => InboxState::Loading,
            Some(Ok(Some(_))) => InboxState::Ready,
            Some(Ok(None)) => InboxState::SignedOut,
            Some(Err(error)) => InboxState::Failed(error),
        }
    }

    pub(crate) fn is_signed_in(self) -> bool {
        matches!(self.state(), InboxState::Ready | InboxState::Failed(_))
    }

    pub(crate) fn unread(self) -> u32 {
        self.with(Inbox::unread)
    }

    pub(crate) fn change(self) -> u64 {
        self.with(Inbox::change)
    }

    fn list(self) -> Vec<WireNotification> {
        self.with(Inbox::list)
    }

    pub(crate) fn news(self) -> RwSignal<Vec<WireNotification>> {
        self.news
    }

    fn has_more(self) -> bool {
        self.with(|inbox| inbox.next().is_some())
    }

    fn is_loading_more(self) -> bool {
        self.loading_more.get()
    }

    fn failed(self) -> Option<ProtocolError> {
        self.failed.get()
    }

    pub(crate) fn mark_these(self, ids: Vec<NotificationId>, mark: Mark) {
        self.mark(Marked::These(ids, mark));
    }

    pub(crate) fn mark_all_read(self) {
        let up_to = untrack(|| self.change());
        self.mark(Marked::AllRead(up_to));
    }

    #[cfg(not(all(target_arch = "wasm32", feature = "hydrate")))]
    fn load_more(self, shown: Shown) {
        let _ = shown;
    }

    #[cfg(not(all(target_arch = "wasm32", feature = "hydrate")))]
    fn mark(self, what: Marked) {
        let _ = what;
    }
}

/// Waits for something, without being asked again when it changes.
pub(crate) async fn untracked<T>(future: impl Future<Output = T>) {
    let mut future = pin!(future);
    poll_fn(|context| untrack(|| future.as_mut().poll(context))).await;
}

/// What [`use_notifications`] returns.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct UseNotificationsReturn<D: Send + Sync + 'static> {
    /// What is not put away, newest first, as far as it is loaded. What this version of the host's type cannot read is
    /// left out.
    pub items: Signal<Vec<Notification<D>>>,
    /// How many are unread in all.
    pub unread: Signal<u32>,
    /// How much of it can be trusted.
    pub state: Signal<InboxState>,
    /// Whether there are older ones to load.
    pub has_more: Signal<bool>,
    /// Whether older ones are on their way.
    pub loading_more: Signal<bool>,
    /// Loads older ones.
    pub load_more: Callback<()>,
    /// Puts a mark on some. It shows at once; where the server refuses, it is taken back, and `failed` says why.
    pub mark: Callback<(Vec<NotificationId>, Mark)>,
    /// Marks everything as read that is here: what comes meanwhile stays unread.
    pub mark_all_read: Callback<()>,
    /// Why the last thing that the person did was taken back.
    pub failed: Signal<Option<ProtocolError>>,
    /// Loads it anew, where it could not be had.
    pub retry: Callback<()>,
}

/// The inbox of whoever is signed in, as it changes: in step on all their tabs and devices.
///
/// ## Usage
/// ```
/// use leptos::prelude::*;
/// use leptos_realtime::{Notification, NotificationData, use_notifications};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// struct Mention { post: i64 }
///
/// impl NotificationData for Mention {
///     fn kind(&self) -> &'static str { "mention" }
///     fn title(notification: &Notification<Self>) -> String { format!("{} mentioned you", notification.who()) }
/// }
///
/// #[component]
/// fn Latest() -> impl IntoView {
///     let inbox = use_notifications::<Mention>();
///     view! {
///         <Suspense>
///             <p>{move || inbox.items.with(|items| items.first().map(Mention::title))}</p>
///         </Suspense>
///     }
/// }
/// ```
///
/// ## Server-side rendering
/// Inside a `Suspense`, as it was when the page was asked for. Without
/// [`provide_notifications`] above, [`InboxState::SignedOut`].
pub fn use_notifications<D: NotificationData>() -> UseNotificationsReturn<D> {
    let Some(all) = use_context::<Notifications>() else {
        return UseNotificationsReturn {
            items: Signal::stored(Vec::new()),
            unread: Signal::stored(0),
            state: Signal::stored(InboxState::SignedOut),
            has_more: Signal::stored(false),
            loading_more: Signal::stored(false),
            load_more: Callback::new(|()| {}),
            mark: Callback::new(|_| {}),
            mark_all_read: Callback::new(|()| {}),
            failed: Signal::stored(None),
            retry: Callback::new(|()| {}),
        };
    };
    UseNotificationsReturn {
        // Not memos: who reads waits for the inbox, not who calls the hook.
        items: Signal::derive(move || {
            let list = all.list();
            list.iter().filter_map(WireNotification::read_as).collect()
        }),
        unread: Signal::derive(move || all.unread()),
        state: Signal::derive(move || all.state()),
        has_more: Signal::derive(move || all.has_more()),
        loading_more: all.loading_more.into(),
        load_more: Callback::new(move |()| all.load_more(Shown::default())),
        mark: Callback::new(move |(ids, mark)| all.mark_these(ids, mark)),
        mark_all_read: Callback::new(move |()| all.mark_all_read()),
        failed: all.failed.into(),
        retry: Callback::new(move |()| all.first.refetch()),
    }
}
