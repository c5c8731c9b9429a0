//! In the browser: the inbox follows its person's room, asks for what it misses, and carries out what the person does.
//!
//! Everything that is asked is asked for a person, and refused or passed over where somebody else is signed in by then.

use std::time::Duration;

use leptos::{prelude::*, task::spawn_local};

use super::{Notifications, list::page_of};
use crate::{
    client::listen,
    core::{
        backoff::Backoff,
        inbox::{Asking, Inbox, Marked, Needs, Shown, Ticket},
    },
    hooks::{ConnectionState, Since, use_connection},
    protocol::{
        ErrorCode, InboxChange, InboxRoom, Mark, Position, ProtocolError, Room, RoomUpdate, UserId,
        WireNotification,
    },
    server_fns::{inbox_changes, mark_all_read, mark_notifications},
};

/// The most news that wait to be shown.
const MAX_NEWS: usize = 10;

/// What is asked, each kind by itself.
#[derive(Clone, Copy)]
pub(super) struct Questions {
    /// What is missing.
    missing: StoredValue<Asking>,
    /// The inbox itself and from where to listen, while they cannot be had: the instances' meeting point is away, or the
    /// database.
    first: StoredValue<Asking>,
}

impl Questions {
    pub(super) fn new() -> Self {
        let asking = |base_ms, cap_ms| StoredValue::new(Asking::new(Backoff { base_ms, cap_ms }));
        Self {
            missing: asking(1_000, 15_000),
            first: asking(5_000, 60_000),
        }
    }
}

impl Notifications {
    /// Follows the inbox of whoever is signed in, for as long as the owner lives.
    pub(super) fn follow(self) {
        let since = RwSignal::new(None::<Position>);
        Effect::new(move |_| {
            let Some(first) = self.first.get() else {
                return;
            };
            let mut settled = true;
            match first {
                Ok(Some(view)) => {
                    if self.turn_to(Some(view.user)) {
                        since.set(None);
                    }
                    self.inbox.update(|inbox| inbox.begin(view.page));
                    if since.with_untracked(Option::is_none) {
                        since.set(view.position);
                        // Without one, what comes until the room is joined would be missed.
                        settled = view.position.is_some();
                    }
                    self.ask();
                }
                Ok(None) => {
                    if self.turn_to(None) {
                        since.set(None);
                    }
                }
                // What is known stays.
                Err(_) => settled = since.with_untracked(Option::is_some),
            }
            match settled {
                true => self.questions.first.update_value(Asking::begin_anew),
                false => self.look_again_later(),
            }
        });
        let user = Memo::new(move |_| self.inbox.with(|inbox| inbox.user().cloned()));
        Effect::new(move |_| {
            let (Some(user), Some(since)) = (user.get(), since.get()) else {
                return;
            };
            let room = Signal::stored(InboxRoom(user).room_id());
            listen(
                room,
                Since::from(since),
                move |update: RoomUpdate<InboxChange>| {
                    match update {
                        RoomUpdate::Event(event) => self.take(event.data),
                        // Of a newer server, or not to be had any more: the database knows.
                        _ => self.inbox.update(Inbox::missed),
                    }
                    self.ask();
                },
            );
        });
        self.follow_sign_in();
    }

    /// Another person's inbox has nothing of this one's. Says whether it is another's.
    fn turn_to(self, user: Option<UserId>) -> bool {
        if self
            .inbox
            .with_untracked(|inbox| inbox.user() == user.as_ref())
        {
            return false;
        }
        self.inbox.update(|inbox| inbox.turn_to(user));
        self.news.set(Vec::new());
        self.failed.set(None);
        self.questions.missing.update_value(Asking::begin_anew);
        true
    }

    /// Whoever signs in or out without loading the page has another inbox.
    fn follow_sign_in(self) {
        let connected_as = use_connection().user;
        let was = StoredValue::new(None::<Option<UserId>>);
        Effect::new(move |_| {
            if use_connection().state.get() != ConnectionState::Live {
                return;
            }
            let now = connected_as.get().map(|user| user.id);
            let shown = self.inbox.with_untracked(|inbox| inbox.user().cloned());
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
        // What is being shown may have been taken back, or read elsewhere.
        let over = |shown: &WireNotification| {
            let mut told = change.notifications.iter().flatten();
            told.any(|one| one.id == shown.id && (!one.is_unread() || one.count < shown.count))
        };
        if self.news.with_untracked(|news| news.iter().any(over)) {
            self.news.update(|news| news.retain(|shown| !over(shown)));
        }
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

    /// Loads the first page anew, in a while.
    fn look_again_later(self) {
        let wait = self.questions.first.try_update_value(|asking| {
            let ticket = asking.begin()?;
            Some((ticket, asking.failed(ticket, entropy())?))
        });
        if let Some((ticket, wait)) = wait.flatten() {
            after(self.questions.first, ticket, wait, move || {
                self.first.refetch();
            });
        }
    }

    /// Asks for what is missing, one question at a time, until nothing is.
    pub(super) fn ask(self) {
        let missing = self.questions.missing;
        let who = self.inbox.try_with_untracked(|inbox| {
            let needed = inbox.needs() != Needs::Nothing;
            needed.then(|| inbox.user().cloned()).flatten()
        });
        let Some(Some(user)) = who else {
            missing.try_update_value(Asking::settled);
            return;
        };
        let Some(ticket) = missing.try_update_value(Asking::begin).flatten() else {
            return;
        };
        let Some(needs) = self.inbox.try_update_untracked(Inbox::ask) else {
            return;
        };
        spawn_local(async move {
            let answered = self.answer(&user, needs.clone()).await;
            let wait = missing.try_update_value(|asking| match &answered {
                Ok(()) => asking.answered(ticket, entropy()),
                Err(_) => asking.failed(ticket, entropy()),
            });
            if let Err(error) = answered {
                self.unanswered(&user, &needs, error);
            }
            match wait {
                Some(Some(wait)) => after(missing, ticket, wait, move || self.ask()),
                Some(None) => self.ask(),
                None => {}
            }
        });
    }

    async fn answer(self, user: &UserId, needs: Needs) -> Result<(), ProtocolError> {
        match needs {
            Needs::Changes(after) => {
                let change = inbox_changes(after, Some(user.clone())).await?;
                self.theirs(user, |inbox| inbox.caught_up(change));
            }
            Needs::Page => {
                let page = page_of(&Shown::default(), None, Some(user.clone())).await?;
                self.theirs(user, |inbox| inbox.begin(page));
            }
            Needs::List(shown, after) => {
                let page = page_of(&shown, after, Some(user.clone())).await?;
                self.theirs(user, |inbox| inbox.listed(&shown, after, page));
                self.failed.try_set(None);
            }
            Needs::Nothing => {}
        }
        Ok(())
    }

    fn unanswered(self, user: &UserId, needs: &Needs, error: ProtocolError) {
        self.refused(&error);
        match needs {
            Needs::Changes(_) => self.theirs(user, Inbox::missed),
            Needs::List(..) => {
                self.failed.try_set(Some(error));
            }
            Needs::Page | Needs::Nothing => {}
        }
    }

    /// Changes their inbox, unless somebody else is signed in by now.
    fn theirs(self, user: &UserId, change: impl FnOnce(&mut Inbox)) {
        self.inbox.try_update(|inbox| inbox.of(user).map(change));
    }

    /// Where somebody else is signed in, or nobody, the page is theirs now.
    fn refused(self, error: &ProtocolError) {
        if error.code == ErrorCode::Unauthorized {
            self.first.refetch();
        }
    }

    pub(super) fn load_more(self, shown: Shown) {
        let (next, user) = self
            .inbox
            .with_untracked(|inbox| (inbox.next_of(&shown), inbox.user().cloned()));
        let (Some(next), Some(user)) = (next, user) else {
            return;
        };
        if self.loading_more.get_untracked() {
            return;
        }
        self.loading_more.set(true);
        spawn_local(async move {
            match page_of(&shown, Some(next), Some(user.clone())).await {
                Ok(page) => self.theirs(&user, |inbox| inbox.listed(&shown, Some(next), page)),
                Err(error) => {
                    self.refused(&error);
                    self.failed.try_set(Some(error));
                }
            }
            self.loading_more.try_set(false);
            self.ask();
        });
    }

    pub(super) fn mark(self, what: Marked) {
        let user = self.inbox.with_untracked(|inbox| inbox.user().cloned());
        let Some(user) = user.filter(|_| self.inbox.with_untracked(Inbox::is_loaded)) else {
            return;
        };
        // Nobody asked for it to be marked as seen.
        let by_itself = matches!(what, Marked::These(_, Mark::Seen));
        if !by_itself {
            self.failed.set(None);
        }
        let now = js_sys::Date::now() as u64;
        let asked = what.clone();
        let Some(id) = self.inbox.try_update(|inbox| inbox.mark(what, now)) else {
            return;
        };
        spawn_local(async move {
            let of = Some(user.clone());
            let answer = match asked {
                Marked::These(ids, mark) => {
                    let ids = ids.into_iter().map(|id| id.0).collect();
                    mark_notifications(ids, mark, of).await
                }
                Marked::AllRead(up_to) => mark_all_read(up_to, of).await,
            };
            let change = match answer {
                Ok(change) => Some(change),
                Err(error) => {
                    self.refused(&error);
                    if !by_itself {
                        self.failed.try_set(Some(error));
                    }
                    None
                }
            };
            self.theirs(&user, |inbox| inbox.marked(id, change));
            self.ask();
        });
    }
}

/// Does something when a wait is over, unless nobody waits for it any more.
fn after(asking: StoredValue<Asking>, ticket: Ticket, wait: u64, then: impl FnOnce() + 'static) {
    let over = move || {
        if asking.try_update_value(|asking| asking.waited(ticket)) == Some(true) {
            then();
        }
    };
    set_timeout(over, Duration::from_millis(wait));
}

fn entropy() -> u64 {
    (js_sys::Math::random() * 2_f64.powi(53)) as u64
}
