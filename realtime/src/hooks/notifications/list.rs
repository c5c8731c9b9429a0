//! A list of the inbox, as a component shows it.

use leptos::prelude::*;

use super::Notifications;
use crate::{
    core::inbox::{Inbox, Shown},
    protocol::{InboxCursor, InboxFilter, InboxPage, ProtocolError, UserId, WireNotification},
    server_fns::inbox,
};

/// See the [module](self).
#[derive(Clone, Copy)]
pub(crate) struct InboxList {
    pub(super) all: Notifications,
    /// Which list.
    pub(crate) shown: Memo<Shown>,
    /// The first page of the list with which the page was made, where that is not the whole one.
    page: Resource<Result<Option<InboxPage>, ProtocolError>>,
    /// Which list that was; none once it is in the inbox.
    page_of: StoredValue<Option<Shown>>,
}

impl Notifications {
    /// Shows a list, for as long as the owner lives.
    pub(crate) fn list_of(self, shown: Memo<Shown>) -> InboxList {
        let first = shown.get_untracked();
        let page_of = StoredValue::new(Some(first.clone()));
        let page = Resource::new_blocking(|| (), move |()| first_page(first.clone()));
        let list = InboxList {
            all: self,
            shown,
            page,
            page_of,
        };
        #[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
        list.follow();
        list
    }
}

impl InboxList {
    /// Waits for what the page is made with.
    pub(crate) async fn ready(self) {
        self.all.ready().await;
        super::untracked(self.page.into_future()).await;
    }

    /// Newest first, as far as it is loaded.
    pub(crate) fn items(self) -> Vec<WireNotification> {
        self.with(Inbox::list_of)
    }

    /// Where older ones begin, if there are any.
    pub(crate) fn next(self) -> Option<InboxCursor> {
        self.with(Inbox::next_of)
    }

    /// Whether its first page is there.
    pub(crate) fn is_loaded(self) -> bool {
        self.with(Inbox::is_listed)
    }

    /// Why its first page could not be had, or what was done last was taken back.
    pub(crate) fn failed(self) -> Option<ProtocolError> {
        let failed = self.all.failed();
        let page = || self.page.get().and_then(Result::err);
        failed.or_else(|| page().filter(|_| !self.is_loaded()))
    }

    pub(crate) fn is_loading_more(self) -> bool {
        self.all.is_loading_more()
    }

    pub(crate) fn load_more(self) {
        let shown = self.shown.get_untracked();
        self.all.load_more(shown);
    }

    fn with<T>(self, look: impl FnOnce(&Inbox, &Shown) -> T) -> T {
        let shown = self.shown.get();
        let listed = |inbox: &Inbox| inbox.is_listed(&shown);
        if self.all.inbox.with(listed) {
            return self.all.inbox.with(|inbox| look(inbox, &shown));
        }
        self.all.with(|inbox| {
            let mut inbox = inbox.clone();
            let came_with = self.page_of.with_value(|of| of.as_ref() == Some(&shown));
            if let Some(Ok(Some(page))) = came_with.then(|| self.page.get()).flatten() {
                inbox.listed(&shown, None, page);
            }
            look(&inbox, &shown)
        })
    }

    /// In the browser: what the page came with goes to the inbox, which asks for what is shown later.
    #[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
    fn follow(self) {
        let inbox = self.all.inbox;
        Effect::new(move |_| {
            let shown = self.shown.get();
            let page_of = self.page_of.try_update_value(Option::take).flatten();
            if let Some(Ok(Some(page))) = self.page.get_untracked()
                && page_of.as_ref() == Some(&shown)
            {
                inbox.update(|inbox| inbox.listed(&shown, None, page));
            }
            inbox.update_untracked(|inbox| inbox.watch(shown.clone()));
            self.all.ask();
            on_cleanup(move || {
                inbox.try_update_untracked(|inbox| inbox.unwatch(&shown));
            });
        });
    }
}

/// What a page is made with beside the inbox itself. In the browser the inbox asks by itself.
async fn first_page(shown: Shown) -> Result<Option<InboxPage>, ProtocolError> {
    let in_browser = cfg!(all(target_arch = "wasm32", feature = "hydrate"));
    if in_browser || shown == Shown::default() {
        return Ok(None);
    }
    page_of(&shown, None, None).await.map(Some)
}

/// A page of a list: the first, or the one after a place.
pub(super) async fn page_of(
    shown: &Shown,
    after: Option<InboxCursor>,
    user: Option<UserId>,
) -> Result<InboxPage, ProtocolError> {
    let before = after.or(shown.before);
    let (updated, id) = before.map(|place| (place.updated, place.id.0)).unzip();
    let InboxFilter {
        unread,
        archived,
        kind,
        community,
    } = shown.filter.clone();
    inbox(updated, id, 0, unread, archived, kind, community, user).await
}
