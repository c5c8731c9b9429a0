//! What a client makes of pages, changes and answers.

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

fn too_much_was_missed(inbox: &mut Inbox, change: u64) {
    inbox.caught_up(InboxChange {
        change,
        ..InboxChange::default()
    });
    assert_eq!(inbox.needs(), Needs::Page);
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
    too_much_was_missed(&mut inbox, 10);
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
    assert_eq!(inbox.needs(), Needs::Changes(3));
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
    too_much_was_missed(&mut inbox, 5);
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

#[test]
fn a_first_page_that_is_read_again_folds_no_older_ones() {
    let pages = |change, ids: std::ops::RangeInclusive<i64>| {
        let all: Vec<_> = ids.rev().map(|id| one(id, id as u64, id as u64)).collect();
        let mut page = page(change, 9, &all);
        page.next = all.last().map(WireNotification::place);
        page
    };
    let mut inbox = inbox(pages(9, 8..=9));
    inbox.more(one(8, 8, 8).place(), pages(9, 6..=7));
    inbox.begin(pages(9, 8..=9));
    assert_eq!(
        (ids(&inbox), inbox.needs()),
        (vec![9, 8, 7, 6], Needs::Nothing)
    );
    inbox.begin(pages(10, 9..=10));
    assert_eq!(ids(&inbox), [10, 9, 8, 7, 6]);
    assert_eq!(
        inbox.needs(),
        Needs::Changes(9),
        "older ones may have changed"
    );
    assert_eq!(inbox.next(), Some(one(6, 6, 6).place()));
}

#[test]
fn a_server_that_went_back_is_not_asked_for_its_first_page_for_ever() {
    let mut inbox = inbox(page(5, 1, &[one(1, 10, 5)]));
    too_much_was_missed(&mut inbox, 900);
    assert_eq!(inbox.ask(), Needs::Page);
    inbox.begin(page(3, 2, &[one(1, 10, 2), one(2, 20, 3)]));
    assert_eq!((ids(&inbox), inbox.unread()), (vec![2, 1], 2));
    assert_eq!(inbox.needs(), Needs::Nothing);
}

#[test]
fn what_is_answered_to_somebody_else_is_not_taken() {
    let (ada, bob) = (UserId::from(1), UserId::from(2));
    let mut inbox = Inbox::default();
    inbox.turn_to(Some(ada.clone()));
    inbox.begin(page(5, 1, &[one(1, 10, 5)]));
    let adas = inbox.mark(Marked::AllRead(5), 99);
    inbox.turn_to(Some(bob.clone()));
    assert!(!inbox.is_loaded(), "nothing is left of Ada's");
    inbox.begin(page(3, 2, &[one(7, 10, 2), one(8, 20, 3)]));
    assert!(inbox.of(&ada).is_none());
    let bobs = inbox.of(&bob).unwrap().mark(Marked::AllRead(3), 99);
    assert_ne!(adas, bobs, "an answer to one is none to the other");
    inbox.marked(adas, None);
    assert_eq!(inbox.unread(), 0, "what Bob did is under way");
    inbox.turn_to(Some(bob));
    assert!(inbox.is_loaded());
    inbox.turn_to(None);
    assert!(!inbox.is_loaded() && inbox.needs() == Needs::Nothing);
}

fn unread() -> Shown {
    Shown::read("show=unread")
}

#[test]
fn a_list_that_is_shown_is_asked_for_and_reaches_below_what_is_loaded() {
    let mut first = page(9, 2, &[one(9, 90, 9), one(8, 80, 8)]);
    first.notifications[1].read = Some(85);
    first.next = Some(one(8, 80, 8).place());
    let mut inbox = inbox(first);
    inbox.watch(unread());
    assert_eq!(inbox.ask(), Needs::List(unread(), None));
    inbox.listed(&unread(), None, page(9, 2, &[one(9, 90, 9), one(2, 20, 2)]));
    assert_eq!(inbox.needs(), Needs::Nothing);
    let listed = |inbox: &Inbox| {
        let list = inbox.list_of(&unread());
        list.iter().map(|one| one.id.0).collect::<Vec<_>>()
    };
    assert_eq!((listed(&inbox), ids(&inbox)), (vec![9, 2], vec![9, 8]));
    // What is marked leaves it at once, and what is told of comes in, wherever it stands.
    inbox.mark(Marked::These(vec![NotificationId(2)], Mark::Read), 99);
    inbox.apply(told(10, 3, &[one(5, 50, 10)]));
    assert_eq!(listed(&inbox), [9, 5]);
    inbox.unwatch(&unread());
    too_much_was_missed(&mut inbox, 500);
    inbox.begin(page(500, 0, &[]));
    assert!(!inbox.is_listed(&unread()), "it would have a hole");
    assert_eq!(inbox.needs(), Needs::Nothing, "nobody shows it");
}

#[test]
fn lists_that_are_not_shown_make_room() {
    let mut inbox = inbox(page(1, 0, &[]));
    inbox.watch(unread());
    inbox.listed(&unread(), None, page(1, 0, &[]));
    for kind in 0..50 {
        let shown = Shown::read(&format!("kind={kind}"));
        inbox.listed(&shown, None, page(1, 0, &[]));
        assert!(inbox.is_listed(&shown));
    }
    assert!(inbox.is_listed(&unread()) && inbox.is_listed(&Shown::default()));
    assert!(!inbox.is_listed(&Shown::read("kind=7")));
}

#[test]
fn the_focus_goes_to_the_next_row_or_else_to_the_one_before() {
    let ids = |ids: &[i64]| ids.iter().copied().map(NotificationId).collect::<Vec<_>>();
    let next = |gone, before: &[i64], after: &[i64]| {
        next_to(NotificationId(gone), &ids(before), &ids(after)).map(|id| id.0)
    };
    assert_eq!(next(2, &[3, 2, 1], &[3, 1]), Some(1));
    assert_eq!(next(1, &[3, 2, 1], &[3, 2]), Some(2));
    assert_eq!(next(2, &[3, 2, 1], &[4, 3]), Some(3), "more went at once");
    assert_eq!(next(1, &[1], &[]), None);
    assert_eq!(next(7, &[1], &[1]), None);
}

#[test]
fn where_all_that_was_loaded_has_left_a_list_older_ones_are_asked_for() {
    let mut inbox = inbox(page(9, 2, &[one(9, 90, 9)]));
    inbox.watch(unread());
    let mut first = page(9, 2, &[one(9, 90, 9)]);
    first.next = Some(one(9, 90, 9).place());
    inbox.listed(&unread(), None, first);
    assert_eq!(inbox.needs(), Needs::Nothing);
    let mark = inbox.mark(Marked::These(vec![NotificationId(9)], Mark::Read), 99);
    let more = Needs::List(unread(), Some(one(9, 90, 9).place()));
    assert_eq!(inbox.needs(), more, "“Nothing unread” would not be true");
    inbox.marked(mark, None);
    inbox.listed(
        &unread(),
        Some(one(9, 90, 9).place()),
        page(9, 2, &[one(2, 20, 2)]),
    );
    assert_eq!(inbox.list_of(&unread()).len(), 2);
}
