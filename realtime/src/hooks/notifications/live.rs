//! In the browser: the inbox follows its person's room, asks for what it misses, and carries out what the person does.

use std::{cell::Cell, rc::Rc, time::Duration};

use leptos::{prelude::*, task::spawn_local};

use super::Notifications;
use crate::{
    client::listen,
    core::inbox::{Inbox, Marked, Needs},
    hooks::{Since, use_connection},
    protocol::{InboxChange, InboxRoom, Position, ProtocolError, Room, RoomUpdate},
    server_fns::{inbox, inbox_changes, mark_all_read, mark_notifications, my_inbox},
};

/// How long to wait before asking again, in seconds, one try after the other; the last one goes on.
const PATIENCE: [u64; 4] = [1, 2, 5, 15];

/// How long to wait before asking again from where to listen, while the instances' meeting point is away.
const NO_POSITION: Duration = Duration::from_secs(5);

/// The most news that wait to be shown.
const MAX_NEWS: usize = 10;

impl Notifications {
    /// Follows the inbox of whoever is signed in, for as long as the owner lives.
    pub(super) fn follow(self) {
        let since = RwSignal::new(None::<Position>);
        Effect::new(move |_| {
            match self.first.get() {
                Some(Ok(Some(view))) => {
                    let other = self
                        .user
                        .with_untracked(|user| user.as_ref() != Some(&view.user));
                    if other {
                        self.inbox.set(Inbox::default());
                        self.news.set(Vec::new());
                    }
                    self.inbox.update(|inbox| inbox.begin(view.page));
                    if other || since.with_untracked(Option::is_none) {
                        since.set(view.position);
                    }
                    if other {
                        self.user.set(Some(view.user));
                    }
                    if view.position.is_none() {
                        // What comes until the room is joined would be missed: from where to listen is asked again.
                        set_timeout(move || self.first.refetch(), NO_POSITION);
                    }
                }
                Some(Ok(None)) => {
                    self.inbox.set(Inbox::default());
                    self.news.set(Vec::new());
                    self.user.set(None);
                }
                // What is known stays.
                Some(Err(_)) => {
                    let shown = self.user.with_untracked(Option::is_some);
                    if shown && since.with_untracked(Option::is_none) {
                        set_timeout(move || self.first.refetch(), NO_POSITION);
                    }
                }
                None => {}
            }
        });
        let asking = Rc::new(Cell::new(false));
        Effect::new(move |_| {
            let (Some(user), Some(since)) = (self.user.get(), since.get()) else {
                return;
            };
            let room = Signal::stored(InboxRoom(user).room_id());
            let since = Since::from(since);
            let asking = asking.clone();
            listen(room, since, move |update: RoomUpdate<InboxChange>| {
                match update {
                    RoomUpdate::Event(event) => self.take(event.data),
                    // Of a newer server, or not to be had any more: the database knows.
                    _ => self.inbox.update(Inbox::missed),
                }
                self.ask(&asking, 0);
            });
        });
        self.follow_sign_in();
    }

    /// Whoever signs in or out without loading the page has another inbox.
    fn follow_sign_in(self) {
        let connected_as = use_connection().user;
        let was = StoredValue::new(None::<Option<crate::protocol::UserId>>);
        Effect::new(move |_| {
            use crate::hooks::ConnectionState;
            if use_connection().state.get() != ConnectionState::Live {
                return;
            }
            let now = connected_as.get().map(|user| user.id);
            let shown = self.user.get_untracked();
            if was.get_value() != Some(now.clone()) && shown != now {
                self.first.refetch();
            }
            was.set_value(Some(now));
        });
    }

    /// Takes a change, and notes what is new in it.
    fn take(self, change: InboxChange) {
        let fresh: Vec<_> = self.inbox.with_untracked(|inbox| {
            let told = change.notifications.iter().flatten();
            told.filter(|one| inbox.is_news(one)).cloned().collect()
        });
        self.inbox.update(|inbox| inbox.apply(change));
        if !fresh.is_empty() {
            self.news.update(|news| {
                news.retain(|shown| fresh.iter().all(|one| one.id != shown.id));
                news.extend(fresh);
                let excess = news.len().saturating_sub(MAX_NEWS);
                news.drain(..excess);
            });
        }
    }

    /// Asks for what is missing, one question at a time, until nothing is.
    fn ask(self, asking: &Rc<Cell<bool>>, tries: usize) {
        let needs = self.inbox.try_with_untracked(Inbox::needs);
        if asking.get() || !matches!(needs, Some(Needs::Changes(_) | Needs::Page)) {
            return;
        }
        let Some(needs) = self.inbox.try_update_untracked(Inbox::ask) else {
            return;
        };
        asking.set(true);
        let asking = asking.clone();
        spawn_local(async move {
            let answered = self.answer(needs).await;
            asking.set(false);
            match answered {
                Ok(()) => self.ask(&asking, 0),
                Err(_) => {
                    self.inbox.try_update_untracked(Inbox::missed);
                    asking.set(true);
                    let wait = Duration::from_secs(PATIENCE[tries.min(PATIENCE.len() - 1)]);
                    let again = move || {
                        asking.set(false);
                        self.ask(&asking, tries + 1);
                    };
                    set_timeout(again, wait);
                }
            }
        });
    }

    async fn answer(self, needs: Needs) -> Result<(), ProtocolError> {
        match needs {
            Needs::Changes(after) => {
                let change = inbox_changes(after).await?;
                self.inbox.try_update(|inbox| inbox.caught_up(change));
            }
            Needs::Page => {
                let page = my_inbox().await?.map(|view| view.page).unwrap_or_default();
                self.inbox.try_update(|inbox| inbox.begin(page));
            }
            Needs::List(..) | Needs::Nothing => {}
        }
        Ok(())
    }

    pub(crate) fn load_more(self) {
        let next = self.inbox.with_untracked(Inbox::next);
        let Some(next) = next else { return };
        if self.loading_more.get_untracked() {
            return;
        }
        self.loading_more.set(true);
        spawn_local(async move {
            let (updated, id) = (Some(next.updated), Some(next.id.0));
            let page = inbox(updated, id, 0, false, false, None, None).await;
            match page {
                Ok(page) => {
                    self.inbox.try_update(|inbox| inbox.more(next, page));
                }
                Err(error) => {
                    self.failed.try_set(Some(error));
                }
            }
            self.loading_more.try_set(false);
            self.ask(&Rc::default(), 0);
        });
    }

    pub(super) fn mark(self, what: Marked) {
        if !self.inbox.with_untracked(Inbox::is_loaded) {
            return;
        }
        self.failed.set(None);
        let now = js_sys::Date::now() as u64;
        let asked = what.clone();
        let Some(id) = self.inbox.try_update(|inbox| inbox.mark(what, now)) else {
            return;
        };
        spawn_local(async move {
            let answer = match asked {
                Marked::These(ids, mark) => {
                    let ids = ids.into_iter().map(|id| id.0).collect();
                    mark_notifications(ids, mark).await
                }
                Marked::AllRead(up_to) => mark_all_read(up_to).await,
            };
            let change = match answer {
                Ok(change) => Some(change),
                Err(error) => {
                    self.failed.try_set(Some(error));
                    None
                }
            };
            self.inbox.try_update(|inbox| inbox.marked(id, change));
            self.ask(&Rc::default(), 0);
        });
    }
}
