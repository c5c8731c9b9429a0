//! What a client knows of its person's inbox.
//!
//! Two things come to it: pages that it asked for, and numbered changes. A change is applied where it follows what is
//! known; where one is missing, [`Inbox::needs`] says from which number on to ask. Of a notification that comes twice,
//! the state of the later change counts, whatever order they come in. What the person does shows at once, and is taken
//! back where the server refuses it.

use std::collections::BTreeMap;

use crate::protocol::{
    InboxChange, InboxCursor, InboxPage, Mark, NotificationId, UnixMillis, WireNotification,
};

/// The most notifications that are kept; and how many of them where there are more.
const MAX_KNOWN: (usize, usize) = (1_000, 500);

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: all is known.
    Nothing,
    /// The changes after this number.
    Changes(u64),
    /// The first page, anew.
    Page,
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
    /// Everything up to this number is known.
    change: u64,
    unread: u32,
    /// The number at which `unread` was true. It may be ahead of `change`.
    unread_at: u64,
    /// With those that were put away, so that an older state does not bring them back.
    known: BTreeMap<NotificationId, WireNotification>,
    /// Everything from this place on is known; none: the whole list is.
    horizon: Option<InboxCursor>,
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
    /// Begins with the first page, or anew.
    pub fn begin(&mut self, page: InboxPage) {
        if self.loaded && page.change < self.change {
            // Read before what is known.
            return;
        }
        // What was told while the page was on its way is not in it.
        let known = std::mem::take(&mut self.known).into_values();
        let later = known.filter(|one| one.change > page.change).collect();
        self.change = page.change;
        self.loaded = true;
        self.count(page.change, page.unread);
        self.needs = self.behind();
        self.horizon = page.next;
        self.merge(page.notifications);
        self.merge(later);
    }

    /// Adds the page after a place. It has to be the place where what is known ends: a list that was begun anew
    /// meanwhile would have a hole.
    pub fn more(&mut self, after: InboxCursor, page: InboxPage) {
        if self.horizon != Some(after) {
            return;
        }
        self.horizon = page.next;
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
        let loaded = self.horizon.is_none_or(|horizon| one.place() >= horizon);
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
            _ => Needs::Nothing,
        }
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

    /// Where the next page begins, if there is one.
    #[must_use]
    pub fn next(&self) -> Option<InboxCursor> {
        self.horizon
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
        let shown = self.known.values().map(|one| self.shown(one));
        let mut list: Vec<_> = shown.filter(|one| one.archived.is_none()).collect();
        list.sort_unstable_by_key(|one| std::cmp::Reverse(one.place()));
        list
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

    /// Of each, the state of the later change counts.
    fn merge(&mut self, notifications: Vec<WireNotification>) {
        for one in notifications {
            match self.known.get(&one.id) {
                Some(known) if known.change >= one.change => continue,
                None if self.horizon.is_some_and(|horizon| one.place() < horizon) => continue,
                _ => {}
            }
            self.known.insert(one.id, one);
        }
        if self.known.len() > MAX_KNOWN.0 {
            self.forget();
        }
    }

    /// Keeps the newest; the others are another page again.
    fn forget(&mut self) {
        let mut places: Vec<_> = self.known.values().map(WireNotification::place).collect();
        places.sort_unstable_by(|a, b| b.cmp(a));
        let horizon = places[MAX_KNOWN.1 - 1];
        self.known.retain(|_, one| one.place() >= horizon);
        self.horizon = Some(horizon);
    }
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
