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
mod tests {
    use super::*;

    pub(super) fn one(id: i64, updated: u64, change: u64) -> WireNotification {
        let text = format!(
            r#"{{"id":{id},"kind":"k","data":null,"count":1,"created":{updated},"updated":{updated},"change":{change}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    fn told(change: u64, unread: u32, notifications: &[WireNotification]) -> InboxChange {
        InboxChange {
            change,
            steps: 1,
            unread,
            notifications: Some(notifications.to_vec()),
            read_up_to: None,
        }
    }

    fn page(change: u64, unread: u32, notifications: &[WireNotification]) -> InboxPage {
        InboxPage {
            change,
            unread,
            notifications: notifications.to_vec(),
            next: None,
        }
    }

    fn inbox(page: InboxPage) -> Inbox {
        let mut inbox = Inbox::default();
        inbox.begin(page);
        inbox
    }

    fn ids(inbox: &Inbox) -> Vec<i64> {
        inbox.list().iter().map(|one| one.id.0).collect()
    }

    #[test]
    fn a_change_that_follows_is_applied_and_one_that_does_not_is_asked_for() {
        let mut inbox = inbox(page(3, 1, &[one(1, 10, 3)]));
        inbox.apply(told(4, 2, &[one(2, 20, 4)]));
        assert_eq!((ids(&inbox), inbox.unread()), (vec![2, 1], 2));
        assert_eq!(inbox.needs(), Needs::Nothing);
        inbox.apply(told(6, 4, &[one(4, 40, 6)]));
        assert_eq!((ids(&inbox), inbox.unread()), (vec![4, 2, 1], 4));
        assert_eq!(inbox.needs(), Needs::Changes(4));
        let mut missed = told(6, 4, &[one(3, 30, 5), one(4, 40, 6)]);
        missed.steps = 2;
        inbox.caught_up(missed);
        assert_eq!((ids(&inbox), inbox.change()), (vec![4, 3, 2, 1], 6));
        assert_eq!(inbox.needs(), Needs::Nothing);
    }

    #[test]
    fn an_older_state_never_replaces_a_newer_one() {
        let mut read = one(1, 10, 5);
        read.read = Some(50);
        let mut inbox = inbox(page(5, 0, std::slice::from_ref(&read)));
        inbox.apply(told(4, 1, &[one(1, 10, 4)]));
        assert_eq!((inbox.unread(), inbox.list()), (0, vec![read]));
        inbox.begin(page(4, 1, &[one(1, 10, 4), one(0, 5, 1)]));
        assert_eq!((ids(&inbox), inbox.unread()), (vec![1], 0));
        assert_eq!(inbox.needs(), Needs::Nothing);
    }

    #[test]
    fn what_was_put_away_stays_away_where_an_older_page_still_has_it() {
        let mut away = one(1, 10, 5);
        away.archived = Some(50);
        let mut first = page(4, 1, &[one(1, 10, 4)]);
        let after = one(1, 10, 4).place();
        first.next = Some(after);
        let mut inbox = inbox(first);
        inbox.apply(told(5, 0, &[away]));
        inbox.more(after, page(4, 1, &[one(1, 10, 4)]));
        assert!(inbox.list().is_empty());
    }

    #[test]
    fn of_a_page_that_was_read_before_a_change_the_change_is_asked_for_again() {
        let mut first = page(9, 2, &[one(2, 20, 2)]);
        let after = one(2, 20, 2).place();
        first.next = Some(after);
        let mut inbox = inbox(first);
        let mut read = one(1, 10, 10);
        read.read = Some(50);
        // Nobody knew the notification when it was read.
        inbox.apply(told(10, 1, std::slice::from_ref(&read)));
        assert_eq!(inbox.needs(), Needs::Nothing);
        inbox.more(after, page(9, 2, &[one(1, 10, 1)]));
        assert_eq!((inbox.ask(), inbox.unread()), (Needs::Changes(9), 1));
        inbox.caught_up(told(10, 1, std::slice::from_ref(&read)));
        assert_eq!((inbox.needs(), &inbox.list()[1]), (Needs::Nothing, &read));
    }

    #[test]
    fn a_page_that_does_not_follow_what_is_known_leaves_no_hole() {
        let pages = |change, ids: std::ops::RangeInclusive<i64>| {
            let all: Vec<_> = ids.rev().map(|id| one(id, id as u64, id as u64)).collect();
            let mut page = page(change, 9, &all);
            page.next = all.last().map(WireNotification::place);
            page
        };
        let mut inbox = inbox(pages(9, 8..=9));
        inbox.more(one(8, 8, 8).place(), pages(9, 6..=7));
        let asked = inbox.next().unwrap();
        inbox.begin(pages(10, 8..=10));
        inbox.more(asked, pages(10, 4..=5));
        assert_eq!(
            (ids(&inbox), inbox.next()),
            (vec![10, 9, 8], Some(one(8, 8, 8).place()))
        );
    }

    #[test]
    fn what_was_told_while_a_page_was_on_its_way_is_kept_and_what_came_before_it_asked_for() {
        let mut inbox = inbox(page(3, 1, &[one(1, 10, 3)]));
        inbox.apply(told(7, 3, &[one(3, 30, 7)]));
        inbox.begin(page(5, 2, &[one(2, 20, 5), one(1, 10, 3)]));
        assert_eq!((ids(&inbox), inbox.unread()), (vec![3, 2, 1], 3));
        assert_eq!(inbox.needs(), Needs::Changes(5));
    }

    #[test]
    fn neither_what_follows_nor_an_answer_under_way_makes_up_for_what_was_missed() {
        let mut inbox = inbox(page(5, 1, &[one(1, 10, 5)]));
        inbox.missed();
        // Of the device's own, answered late; 7 was told while nobody listened.
        inbox.apply(told(6, 2, &[one(2, 20, 6)]));
        assert_eq!(inbox.ask(), Needs::Changes(6));
        assert_eq!(inbox.needs(), Needs::Nothing, "it is under way");
        inbox.missed();
        inbox.caught_up(told(7, 3, &[one(3, 30, 7)]));
        assert_eq!(inbox.ask(), Needs::Changes(7), "8 may have been missed");
        inbox.missed();
        assert_eq!(inbox.ask(), Needs::Changes(7), "no answer came");
        inbox.caught_up(InboxChange {
            steps: 0,
            ..told(7, 3, &[])
        });
        assert_eq!(inbox.needs(), Needs::Nothing);
    }

    #[test]
    fn what_the_person_does_shows_at_once_and_is_taken_back_where_it_is_refused() {
        let mut inbox = inbox(page(2, 2, &[one(1, 10, 1), one(2, 20, 2)]));
        let mark = inbox.mark(Marked::These(vec![NotificationId(1)], Mark::Read), 99);
        assert_eq!((inbox.unread(), inbox.list()[1].read), (1, Some(99)));
        inbox.marked(mark, None);
        assert_eq!((inbox.unread(), inbox.list()[1].read), (2, None));
        assert_eq!(
            inbox.needs(),
            Needs::Changes(2),
            "nobody knows what happened"
        );
        let mark = inbox.mark(Marked::AllRead(2), 99);
        assert_eq!(inbox.unread(), 0);
        inbox.apply(told(3, 3, &[one(3, 30, 3)]));
        assert_eq!(inbox.unread(), 1, "what came later is not read by it");
        let change = InboxChange {
            change: 4,
            steps: 1,
            unread: 1,
            notifications: None,
            read_up_to: Some((2, 100)),
        };
        inbox.marked(mark, Some(change));
        assert_eq!((inbox.unread(), inbox.change()), (1, 4));
        let read: Vec<_> = inbox.list().iter().map(|one| one.read).collect();
        assert_eq!(read, [None, Some(100), Some(100)]);
    }

    #[test]
    fn an_old_answer_brings_nothing_back_that_a_page_left_out() {
        let mut inbox = inbox(page(2, 1, &[one(1, 10, 2)]));
        inbox.begin(page(5, 0, &[]));
        inbox.caught_up(told(3, 1, &[one(1, 30, 3)]));
        assert_eq!((ids(&inbox), inbox.unread()), (vec![], 0));
    }

    #[test]
    fn an_answer_from_before_a_change_was_heard_of_does_not_settle_it() {
        let mut inbox = inbox(page(5, 1, &[one(1, 10, 5)]));
        inbox.missed();
        assert_eq!(inbox.ask(), Needs::Changes(5));
        inbox.apply(told(7, 3, &[one(3, 30, 7)]));
        let nothing = InboxChange {
            steps: 0,
            ..told(5, 1, &[])
        };
        inbox.caught_up(nothing.clone());
        assert_eq!(inbox.ask(), Needs::Changes(5), "6 is missing");
        inbox.caught_up(nothing);
        assert_eq!(
            (inbox.needs(), inbox.unread()),
            (Needs::Nothing, 1),
            "where the server went back it is not asked for ever"
        );
    }

    #[test]
    fn what_was_read_up_to_a_number_waits_for_what_came_before() {
        let mut inbox = inbox(page(3, 1, &[one(1, 10, 3)]));
        let read_all = InboxChange {
            change: 6,
            steps: 1,
            unread: 1,
            notifications: None,
            read_up_to: Some((4, 60)),
        };
        inbox.apply(read_all);
        assert_eq!(inbox.list()[0].read, None, "it may have changed since");
        let mut missed = told(6, 1, &[one(1, 30, 5)]);
        missed.steps = 3;
        inbox.caught_up(missed);
        assert_eq!((inbox.unread(), inbox.needs()), (1, Needs::Nothing));
        assert!(inbox.list()[0].is_unread());
    }

    #[test]
    fn a_notification_below_what_is_loaded_waits_for_its_page() {
        let mut first = page(9, 3, &[one(3, 30, 3), one(2, 20, 2)]);
        first.next = Some(one(2, 20, 2).place());
        let mut inbox = inbox(first);
        inbox.apply(told(10, 2, &[one(1, 10, 10)]));
        assert_eq!((ids(&inbox), inbox.unread()), (vec![3, 2], 2));
        inbox.more(one(2, 20, 2).place(), page(10, 2, &[one(1, 10, 10)]));
        assert_eq!((ids(&inbox), inbox.next()), (vec![3, 2, 1], None));
    }

    #[test]
    fn what_is_marked_below_what_is_loaded_is_no_news() {
        let mut first = page(9, 3, &[one(3, 30, 3), one(2, 20, 2)]);
        first.next = Some(one(2, 20, 2).place());
        let inbox = inbox(first);
        assert!(inbox.is_news(&one(4, 40, 10)));
        assert!(
            !inbox.is_news(&one(1, 10, 10)),
            "it is back from the archive"
        );
    }

    #[test]
    fn it_is_loaded_anew_where_too_much_was_missed() {
        let mut inbox = inbox(page(3, 1, &[one(1, 10, 3)]));
        inbox.missed();
        assert_eq!(inbox.ask(), Needs::Changes(3));
        let much = InboxChange {
            change: 900,
            steps: 897,
            unread: 700,
            ..InboxChange::default()
        };
        inbox.caught_up(much);
        assert_eq!((inbox.needs(), inbox.unread()), (Needs::Page, 700));
        inbox.begin(page(900, 700, &[one(800, 90, 900)]));
        assert_eq!((ids(&inbox), inbox.needs()), (vec![800], Needs::Nothing));
    }

    #[test]
    fn it_keeps_the_newest_where_there_are_too_many() {
        let many: Vec<_> = (1..=1_001)
            .map(|id| one(id, id as u64, id as u64))
            .collect();
        let inbox = inbox(page(1_001, 1_001, &many));
        assert_eq!(inbox.list().len(), 500);
        assert_eq!(ids(&inbox)[499], 502);
        assert_eq!(inbox.next(), Some(many[501].place()));
    }
}
