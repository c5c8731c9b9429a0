//! What a client knows of its person's inbox.
//!
//! Two things come to it: pages that it asked for, and numbered changes. A change is applied where it follows what is
//! known; where one is missing, [`Inbox::needs`] says from which number on to ask. Of a notification that comes twice,
//! the state of the later change counts, whatever order they come in. What the person does shows at once, and is taken
//! back where the server refuses it.
//!
//! Of each list that a page [shows](Shown), such as what is unread, everything is known from where it begins down to its
//! end; what is told of changes keeps it so. [`Asking`] says when to ask, [`Seen`] what was seen by being shown.

mod asking;
mod seen;
mod shown;

use std::collections::BTreeMap;

pub use asking::{Asking, Ticket};
pub use seen::Seen;
pub use shown::Shown;

use crate::protocol::{
    InboxChange, InboxCursor, InboxPage, Mark, NotificationId, UnixMillis, UserId, WireNotification,
};

/// The most notifications that are kept; and how many of them where there are more.
const MAX_KNOWN: (usize, usize) = (1_000, 500);

/// The most lists that are kept beside the whole one: those that were shown last.
const MAX_LISTS: usize = 8;

/// Something that the person did and the server has not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MarkId(u64);

/// What the person did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Marked {
    /// These notifications.
    These(Vec<NotificationId>, Mark),
    /// Everything up to this change was read.
    AllRead(u64),
}

/// What has to be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: all is known.
    Nothing,
    /// The changes after this number.
    Changes(u64),
    /// The first page, anew.
    Page,
    /// The first page of a list that is shown; or the one after a place, where nothing is left of those before.
    List(Shown, Option<InboxCursor>),
}

/// A list as far as it is known.
#[derive(Clone, Debug)]
struct List {
    shown: Shown,
    /// Everything from this place on is known; none: the whole list is.
    end: Option<InboxCursor>,
}

#[derive(Clone, Debug)]
struct Pending {
    id: MarkId,
    what: Marked,
    at: UnixMillis,
}

/// See the [module](self).
#[derive(Clone, Debug, Default)]
pub struct Inbox {
    /// Whose it is, where that is known.
    user: Option<UserId>,
    /// Everything up to this number is known.
    change: u64,
    unread: u32,
    /// The number at which `unread` was true. It may be ahead of `change`.
    unread_at: u64,
    /// With those that were put away, so that an older state does not bring them back.
    known: BTreeMap<NotificationId, WireNotification>,
    /// The whole list comes first.
    lists: Vec<List>,
    /// The lists that are shown.
    watched: Vec<Shown>,
    loaded: bool,
    needs: Option<Needs>,
    /// Changes may have been missed of which no number tells: only a question that is asked from now on settles it.
    missed: bool,
    /// The last number that was heard of when the last question was asked.
    asked_at: u64,
    pending: Vec<Pending>,
    marks: u64,
}

impl Inbox {
    /// Whose it is from now on; none: nobody's. What was known of somebody else's is forgotten.
    pub fn turn_to(&mut self, user: Option<UserId>) {
        if self.user != user {
            *self = Self {
                user,
                watched: std::mem::take(&mut self.watched),
                // A late answer to what somebody else did is none to what is done now.
                marks: self.marks,
                ..Self::default()
            };
        }
    }

    /// Whose it is, where that is known.
    #[must_use]
    pub fn user(&self) -> Option<&UserId> {
        self.user.as_ref()
    }

    /// The inbox, if it is still theirs: what was answered to somebody else is not to be taken.
    pub fn of(&mut self, user: &UserId) -> Option<&mut Self> {
        (self.user.as_ref() == Some(user)).then_some(self)
    }

    /// Takes the first page: begins with it, or anew where too much was missed. Otherwise what is loaded stays, also
    /// older pages, and what happened meanwhile is asked for.
    pub fn begin(&mut self, page: InboxPage) {
        if self.loaded && self.needs != Some(Needs::Page) {
            if page.change >= self.change {
                self.add(page);
            }
            return;
        }
        // The server knows less than it told: its database is an older copy.
        let went_back = page.change < self.asked_at;
        if went_back {
            (self.unread, self.unread_at) = (page.unread, page.change);
            self.known.clear();
        }
        // What was told while the page was on its way is not in it.
        self.known.retain(|_, one| one.change > page.change);
        self.change = page.change;
        self.loaded = true;
        self.count(page.change, page.unread);
        self.needs = self.behind();
        self.lists = vec![List {
            shown: Shown::default(),
            end: page.next,
        }];
        self.merge(page.notifications);
    }

    /// Adds the page after a place to the whole list: see [`listed`](Self::listed).
    pub fn more(&mut self, after: InboxCursor, page: InboxPage) {
        self.listed(&Shown::default(), Some(after), page);
    }

    /// Takes the first page of a list, or the one after a place. That has to be the place where what is known ends: a
    /// list that was begun anew meanwhile would have a hole.
    pub fn listed(&mut self, shown: &Shown, after: Option<InboxCursor>, page: InboxPage) {
        if !self.loaded {
            return;
        }
        let at = self.lists.iter().position(|list| list.shown == *shown);
        match (at, after) {
            (Some(at), Some(_)) if self.lists[at].end == after => self.lists[at].end = page.next,
            (None, None) => {
                if self.lists.len() > MAX_LISTS {
                    let idle = |list: &List| !self.watched.contains(&list.shown);
                    if let Some(oldest) = self.lists[1..].iter().position(idle) {
                        self.lists.remove(oldest + 1);
                    }
                }
                self.lists.push(List {
                    shown: shown.clone(),
                    end: page.next,
                });
            }
            _ => return,
        }
        self.add(page);
    }

    /// A page shows this list from now on: where it is not known, it is [needed](Self::needs).
    pub fn watch(&mut self, shown: Shown) {
        self.watched.push(shown);
    }

    /// A page shows it no more.
    pub fn unwatch(&mut self, shown: &Shown) {
        if let Some(at) = self.watched.iter().position(|watched| watched == shown) {
            self.watched.remove(at);
        }
    }

    /// Takes a change, as it was told or asked for.
    pub fn apply(&mut self, change: InboxChange) {
        if !self.loaded {
            return;
        }
        self.count(change.change, change.unread);
        let newer = change.change > self.change;
        let follows = change.change.saturating_sub(change.steps) <= self.change;
        let told = change.notifications.is_some() || change.read_up_to.is_some();
        if let Some((up_to, at)) = change.read_up_to
            && newer
            && follows
        {
            let known = self.known.values_mut();
            for one in known.filter(|one| one.change <= up_to && one.is_unread()) {
                one.read = Some(at);
                one.seen.get_or_insert(at);
                one.change = change.change;
            }
        }
        if !newer {
            // Nothing in it is news, and what is not known any more was put away since.
            return;
        }
        self.merge(change.notifications.unwrap_or_default());
        if follows && told {
            self.change = change.change;
            if self.needs != Some(Needs::Page) {
                self.needs = self.behind();
            }
        } else if self.needs != Some(Needs::Page) {
            self.needs = Some(Needs::Changes(self.change));
        }
    }

    /// Whether a change tells of something new: the person may want to be shown it.
    #[must_use]
    pub fn is_news(&self, one: &WireNotification) -> bool {
        let known = self.known.get(&one.id);
        // Of what is not loaded nobody knows whether it came or was only marked.
        let loaded = self.next().is_none_or(|end| one.place() >= end);
        let more = loaded && known.is_none_or(|known| known.count < one.count);
        more && self.loaded && one.change > self.change && one.is_unread() && one.seen.is_none()
    }

    /// Takes the answer to [`Needs::Changes`]. Where there were too many, the list has to be loaded anew.
    pub fn caught_up(&mut self, change: InboxChange) {
        if change.change > self.change && change.notifications.is_none() {
            self.needs = Some(Needs::Page);
            self.count(change.change, change.unread);
            return;
        }
        if change.change <= self.change && matches!(self.needs, Some(Needs::Changes(_))) {
            if change.change < self.asked_at {
                // The server knows less than it told: its database is an older copy.
                (self.unread, self.unread_at) = (change.unread, change.change);
            }
            // What was heard of since the question was asked is asked for.
            self.needs = self.behind();
        }
        self.apply(change);
    }

    /// Changes may have been missed, or a question was not answered.
    pub fn missed(&mut self) {
        self.missed |= self.loaded;
    }

    /// What has to be asked for.
    #[must_use]
    pub fn needs(&self) -> Needs {
        match self.needs {
            Some(Needs::Page) => Needs::Page,
            Some(Needs::Changes(_)) => Needs::Changes(self.change),
            _ if self.missed => Needs::Changes(self.change),
            _ if self.loaded => {
                let needed = self.watched.iter().find_map(|shown| self.needs_of(shown));
                needed.unwrap_or(Needs::Nothing)
            }
            _ => Needs::Nothing,
        }
    }

    /// What a list needs that is shown: its first page, or more where all that was loaded has left it.
    fn needs_of(&self, shown: &Shown) -> Option<Needs> {
        let Some(list) = self.known_list(shown) else {
            return Some(Needs::List(shown.clone(), None));
        };
        list.end?;
        let is_empty = self.within(list).next().is_none();
        is_empty.then(|| Needs::List(shown.clone(), list.end))
    }

    /// The same, and it is asked for now. What is missed from now on is asked for once more: the answer may have been
    /// on its way already. Where there is no answer, it was [missed](Self::missed).
    pub fn ask(&mut self) -> Needs {
        let needs = self.needs();
        self.missed = false;
        self.asked_at = self.unread_at;
        needs
    }

    /// The person did something: it shows at once.
    pub fn mark(&mut self, what: Marked, now: UnixMillis) -> MarkId {
        self.marks += 1;
        let id = MarkId(self.marks);
        self.pending.push(Pending { id, what, at: now });
        id
    }

    /// The server has answered: with the change that it came to, or none where it was refused or nobody knows.
    pub fn marked(&mut self, id: MarkId, change: Option<InboxChange>) {
        self.pending.retain(|pending| pending.id != id);
        match change {
            Some(change) => self.apply(change),
            None => self.missed(),
        }
    }

    /// The number up to which everything is known.
    #[must_use]
    pub fn change(&self) -> u64 {
        self.change
    }

    /// Whether the first page is there.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        self.loaded
    }

    /// Where the next page of the whole list begins, if there is one.
    #[must_use]
    pub fn next(&self) -> Option<InboxCursor> {
        self.next_of(&Shown::default())
    }

    /// Where the next page of a list begins, if there is one.
    #[must_use]
    pub fn next_of(&self, shown: &Shown) -> Option<InboxCursor> {
        self.known_list(shown).and_then(|list| list.end)
    }

    /// Whether the first page of a list is there.
    #[must_use]
    pub fn is_listed(&self, shown: &Shown) -> bool {
        self.known_list(shown).is_some()
    }

    /// How many are unread, as the person sees it.
    #[must_use]
    pub fn unread(&self) -> u32 {
        let mut unread = i64::from(self.unread);
        for one in self.known.values() {
            let shown = self.shown(one);
            unread += i64::from(shown.is_unread()) - i64::from(one.is_unread());
        }
        for pending in &self.pending {
            if let Marked::AllRead(up_to) = pending.what
                && up_to >= self.unread_at
            {
                // Also those that are not loaded.
                return 0;
            }
        }
        u32::try_from(unread.max(0)).unwrap_or(u32::MAX)
    }

    /// What is not put away, newest first, as the person sees it.
    #[must_use]
    pub fn list(&self) -> Vec<WireNotification> {
        self.list_of(&Shown::default())
    }

    /// A list, newest first, as the person sees it; nothing where it is not known.
    #[must_use]
    pub fn list_of(&self, shown: &Shown) -> Vec<WireNotification> {
        let Some(list) = self.known_list(shown) else {
            return Vec::new();
        };
        let mut list: Vec<_> = self.within(list).collect();
        list.sort_unstable_by_key(|one| std::cmp::Reverse(one.place()));
        list
    }

    /// What is in a list, in no order.
    fn within(&self, List { shown, end }: &List) -> impl Iterator<Item = WireNotification> {
        let known = self.known.values().filter(move |one| {
            let place = one.place();
            end.is_none_or(|end| place >= end) && shown.before.is_none_or(|before| place < before)
        });
        known
            .map(|one| self.shown(one))
            .filter(|one| shown.filter.fits(one))
    }

    fn known_list(&self, shown: &Shown) -> Option<&List> {
        self.lists.iter().find(|list| list.shown == *shown)
    }

    /// A notification with what the person did to it since.
    fn shown(&self, one: &WireNotification) -> WireNotification {
        let mut one = one.clone();
        for Pending { what, at, .. } in &self.pending {
            match what {
                Marked::These(ids, mark) if ids.contains(&one.id) => {
                    apply_mark(&mut one, *mark, *at);
                }
                Marked::AllRead(up_to) if one.change <= *up_to && one.is_unread() => {
                    apply_mark(&mut one, Mark::Read, *at);
                }
                _ => {}
            }
        }
        one
    }

    /// What is needed where a later change was heard of than what is known.
    fn behind(&self) -> Option<Needs> {
        (self.unread_at > self.change).then_some(Needs::Changes(self.change))
    }

    fn count(&mut self, change: u64, unread: u32) {
        if change >= self.unread_at {
            (self.unread, self.unread_at) = (unread, change);
        }
    }

    /// Adds a page to what is known.
    fn add(&mut self, page: InboxPage) {
        if page.change > self.change {
            self.needs.get_or_insert(Needs::Changes(self.change));
        } else if page.change < self.change {
            // Of what it has, later changes may have been passed over, as nobody knew it then.
            self.change = page.change;
            self.needs.get_or_insert(Needs::Changes(self.change));
        }
        self.count(page.change, page.unread);
        self.merge(page.notifications);
    }

    /// Of each, the state of the later change counts.
    fn merge(&mut self, notifications: Vec<WireNotification>) {
        for one in notifications {
            let known = self.known.get(&one.id);
            if known.is_none_or(|known| known.change < one.change) {
                self.known.insert(one.id, one);
            }
        }
        if self.known.len() > MAX_KNOWN.0 {
            self.forget();
        }
    }

    /// Keeps the newest; the others are another page again.
    fn forget(&mut self) {
        let mut places: Vec<_> = self.known.values().map(WireNotification::place).collect();
        places.sort_unstable_by(|a, b| b.cmp(a));
        let place = places[MAX_KNOWN.1 - 1];
        self.known.retain(|_, one| one.place() >= place);
        for List { end, .. } in &mut self.lists {
            *end = Some(end.map_or(place, |end| end.max(place)));
        }
    }
}

/// Which row of a list has the keyboard's focus once the one that had it has left: the one that followed it, or else the
/// one before it; none where the list is empty.
#[must_use]
pub fn next_to(
    gone: NotificationId,
    before: &[NotificationId],
    after: &[NotificationId],
) -> Option<NotificationId> {
    let at = before.iter().position(|id| *id == gone)?;
    let (above, below) = before.split_at(at);
    let mut near = below.iter().chain(above.iter().rev());
    near.find(|id| **id != gone && after.contains(id)).copied()
}

/// What the server does for a mark.
fn apply_mark(one: &mut WireNotification, mark: Mark, at: UnixMillis) {
    match mark {
        Mark::Read => {
            one.read.get_or_insert(at);
            one.seen.get_or_insert(at);
        }
        Mark::Unread => one.read = None,
        Mark::Seen => {
            one.seen.get_or_insert(at);
        }
        Mark::Archived => {
            one.archived.get_or_insert(at);
        }
        Mark::Unarchived => one.archived = None,
    }
}

#[cfg(test)]
mod lives;
#[cfg(test)]
mod tests;
