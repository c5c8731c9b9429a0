//! A replica, message by message.

use proptest::prelude::*;

use super::*;
use crate::{
    core::{message::Entry, view::RoomView},
    protocol::{DeviceKind, Epoch, Own, Place, Status},
};

const EPOCH: Epoch = Epoch(1);

fn empty() -> Replica {
    of_size(Crowd::default())
}

fn of_size(crowd: Crowd) -> Replica {
    replica("board:7", crowd)
}

fn replica(room: &str, crowd: Crowd) -> Replica {
    let position = Position {
        epoch: EPOCH,
        seq: 0,
    };
    let snapshot = RoomSnapshot {
        position,
        version: 0,
        entries: vec![],
        events: vec![],
    };
    Replica::new(room.parse().unwrap(), snapshot, crowd)
}

fn entry(user: i64, session: u64, kind: DeviceKind) -> Entry {
    Entry {
        session: format!("s{session}").try_into().unwrap(),
        user: (user > 0).then(|| User::new(user, format!("P{user}"))),
        incarnation: 1,
        run: RunId(1),
        device: None,
        device_kind: kind,
        status: Status::Online,
        since: session,
        at: vec![],
    }
}

fn presence(version: u64, change: EntryChange) -> RoomMessage {
    RoomMessage::Presence {
        epoch: EPOCH,
        version,
        at: version,
        change,
    }
}

fn typing(user: i64, on: bool) -> RoomMessage {
    let user = user.into();
    RoomMessage::Signal(RoomSignal::Typing { user, on })
}

fn event(seq: u64) -> RoomMessage {
    let data = serde_json::value::to_raw_value(&seq).unwrap();
    let event = WireEvent {
        subject: None,
        origin: None,
        seq,
        id: format!("e{seq}").try_into().unwrap(),
        at: 0,
        data,
    };
    RoomMessage::Event {
        epoch: EPOCH,
        event: Arc::new(event),
        previous: None,
    }
}

/// The next step, where it is a frame.
fn frame(replica: &mut Replica) -> Option<RoomFrame> {
    match replica.take_step().change {
        Change::Frame(frame) => Some(frame),
        Change::Nothing => None,
        Change::Anew => panic!("the room became large, or is not any more"),
    }
}

fn names(typing: Option<TypingNow>) -> Option<Vec<String>> {
    typing.map(|typing| typing.users.into_iter().map(|user| user.name).collect())
}

#[test]
fn two_devices_are_one_member_and_closing_one_shows_only_that() {
    let mut replica = empty();
    let (desk, phone) = (
        entry(1, 1, DeviceKind::Desktop),
        entry(1, 2, DeviceKind::Mobile),
    );
    replica.apply(&presence(1, EntryChange::Enter(desk)), 0);
    replica.apply(&presence(2, EntryChange::Enter(phone.clone())), 0);
    let shown = frame(&mut replica).unwrap();
    assert_eq!(shown.members.len(), 1);
    assert_eq!(
        shown.members[0].devices,
        [DeviceKind::Desktop, DeviceKind::Mobile]
    );
    assert_eq!(shown.members[0].since, 1);
    replica.apply(&presence(3, EntryChange::Exit(phone.key())), 0);
    let shown = frame(&mut replica).unwrap();
    assert!(shown.gone.is_empty());
    assert_eq!(shown.members[0].devices, [DeviceKind::Desktop]);
}

#[test]
fn who_comes_and_goes_between_two_frames_appears_in_none() {
    let mut replica = empty();
    let guest = entry(0, 1, DeviceKind::Other);
    let person = entry(1, 2, DeviceKind::Other);
    for (i, change) in [
        EntryChange::Enter(person.clone()),
        EntryChange::Enter(guest.clone()),
        EntryChange::Exit(person.key()),
        EntryChange::Exit(guest.key()),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(
            replica.apply(&presence(i as u64 + 1, change), 0),
            Applied::Presence
        );
    }
    assert!(frame(&mut replica).is_none());
    assert!(replica.is_empty());
}

#[test]
fn a_lost_message_is_a_gap_and_a_repeated_one_is_nothing() {
    let mut replica = empty();
    assert_eq!(replica.apply(&event(1), 0), Applied::Urgent);
    assert_eq!(replica.apply(&event(1), 0), Applied::Nothing);
    assert_eq!(replica.apply(&event(3), 0), Applied::Gap);
    let enter = EntryChange::Enter(entry(1, 1, DeviceKind::Other));
    assert_eq!(replica.apply(&presence(2, enter), 0), Applied::Gap);
    assert_eq!(replica.position().seq, 1);
}

#[test]
fn a_reload_in_the_same_epoch_shows_what_was_missed_and_in_another_asks_for_a_reset() {
    let mut replica = empty();
    replica.apply(&event(1), 0);
    replica.take_step();
    let snapshot = |epoch| RoomSnapshot {
        position: Position { epoch, seq: 3 },
        version: 9,
        entries: vec![entry(1, 1, DeviceKind::Other)],
        events: [1, 2, 3]
            .map(|seq| match event(seq) {
                RoomMessage::Event { event, .. } => event,
                _ => unreachable!(),
            })
            .to_vec(),
    };
    assert!(replica.reload(snapshot(EPOCH)));
    let shown = frame(&mut replica).unwrap();
    assert_eq!(
        shown.events.iter().map(|e| e.seq).collect::<Vec<_>>(),
        [2, 3]
    );
    assert_eq!(shown.members.len(), 1);
    assert!(!replica.reload(snapshot(Epoch(2))));
    assert!(frame(&mut replica).is_none());
    let since = Position {
        epoch: EPOCH,
        seq: 3,
    };
    assert_eq!(replica.joined(Some(since), vec![]).outcome, Outcome::Reset);
}

#[test]
fn c1_another_event_in_the_place_of_the_last_one_is_a_gap_also_when_that_is_not_kept_any_more() {
    let mut replica = empty();
    replica.apply(&event(1), 0);
    replica.take_step();
    let (RoomMessage::Event { event: first, .. }, RoomMessage::Event { event: next, .. }) =
        (event(1), event(2))
    else {
        unreachable!()
    };
    replica.trim(Retention::default(), UnixMillis::MAX);
    let quiet = RoomSnapshot {
        position: replica.position(),
        version: 0,
        entries: vec![],
        events: vec![],
    };
    assert_eq!(replica.conflict(&quiet), None);
    assert!(
        replica.reload(quiet.clone()),
        "nothing is known of it there either"
    );
    let other = Arc::new(WireEvent {
        id: "other".try_into().unwrap(),
        ..(*first).clone()
    });
    let message = |event: &Arc<WireEvent>, previous: Option<&EventId>| RoomMessage::Event {
        epoch: EPOCH,
        event: event.clone(),
        previous: previous.cloned(),
    };
    assert_eq!(replica.apply(&message(&first, None), 0), Applied::Nothing);
    assert_eq!(replica.apply(&message(&other, None), 0), Applied::Gap);
    let after_other = message(&next, Some(&other.id));
    assert_eq!(replica.apply(&after_other, 0), Applied::Gap);
    let lost = RoomSnapshot {
        events: vec![other],
        ..quiet
    };
    assert_eq!(replica.conflict(&lost), Some(vec![1]));
    let after_first = message(&next, Some(&first.id));
    assert_eq!(replica.apply(&after_first, 0), Applied::Urgent);
}

#[test]
fn c6_a_session_that_moved_before_the_broker_was_lost_does_not_leave_where_it_was() {
    let mut replica = empty();
    let mut ada = entry(1, 1, DeviceKind::Desktop);
    ada.incarnation = 2;
    replica.apply(&presence(1, EntryChange::Enter(ada.clone())), 0);
    replica.change_here(5, EntryChange::Exit(ada.key()), 1);
    assert!(replica.is_visible(&1.into()), "it left here, and is there");
    let here = Entry {
        incarnation: 1,
        status: Status::Away,
        ..ada.clone()
    };
    replica.change_here(5, EntryChange::Enter(here), 1);
    assert!(replica.held_runs().is_empty(), "nor does it come back");
    replica.change_here(6, EntryChange::Exit(ada.key()), 2);
    assert!(!replica.is_visible(&1.into()));
}

#[test]
fn c5_whoever_is_here_stays_while_others_took_this_node_for_dead_and_until_it_has_said_so() {
    let mut replica = empty();
    let of = |run: u64, user: i64| Entry {
        run: RunId(run),
        ..entry(user, 1, DeviceKind::Other)
    };
    for (version, entry) in [(1, of(1, 1)), (2, of(2, 2))] {
        replica.apply(&presence(version, EntryChange::Enter(entry)), 0);
    }
    frame(&mut replica);
    let swept = RoomSnapshot {
        position: replica.position(),
        version: 9,
        entries: Vec::new(),
        events: Vec::new(),
    };
    assert!(replica.reload_keeping(swept, |run| run == RunId(1)));
    let gone = frame(&mut replica).unwrap().gone;
    assert_eq!(gone.len(), 1, "who was at another node has left");
    assert_eq!(replica.held_runs(), [RunId(1)].into());
    replica.apply(&presence(10, EntryChange::Enter(of(3, 1))), 0);
    assert!(replica.held_runs().is_empty());
    assert!(frame(&mut replica).is_none_or(|frame| frame.gone.is_empty()));
    assert_eq!(replica.sessions(), 1);
}

#[test]
fn typing_ends_by_itself_and_only_those_who_are_here_type() {
    let mut replica = empty();
    assert_eq!(
        replica.apply(&typing(1, true), 0),
        Applied::Nothing,
        "not here"
    );
    let ada = entry(1, 1, DeviceKind::Other);
    replica.apply(&presence(1, EntryChange::Enter(ada.clone())), 0);
    assert_eq!(replica.apply(&typing(1, true), 0), Applied::Urgent);
    assert_eq!(
        replica.apply(&typing(1, true), 1_000),
        Applied::Nothing,
        "a repeat changes nothing"
    );
    assert_eq!(names(replica.take_typing()), Some(vec!["P1".to_owned()]));
    assert!(!replica.expire(TYPING_TTL_MS + 999));
    assert!(replica.expire(TYPING_TTL_MS + 1_000));
    assert_eq!(names(replica.take_typing()), Some(vec![]));
    replica.apply(&typing(1, true), 0);
    replica.take_typing();
    replica.apply(&presence(2, EntryChange::Exit(ada.key())), 0);
    assert_eq!(
        names(replica.take_typing()),
        Some(vec![]),
        "leaving ends it"
    );
}

#[test]
fn c10_who_hides_is_seen_by_nobody_and_by_themselves() {
    let mut replica = empty();
    let bob = entry(2, 1, DeviceKind::Desktop);
    let hidden = |session| Entry {
        status: Status::Invisible,
        incarnation: 2,
        ..entry(1, session, DeviceKind::Desktop)
    };
    let me = UserId::from(1);
    replica.apply(&presence(1, EntryChange::Enter(bob)), 0);
    replica.take_step();
    let before = replica.joined(None, vec![]);
    // Coming, a second device, typing and going: nothing of it is anything to others.
    let steps = [
        presence(2, EntryChange::Enter(hidden(2))),
        presence(3, EntryChange::Enter(hidden(3))),
        typing(1, true),
        presence(4, EntryChange::Exit(hidden(3).key())),
    ];
    for message in &steps {
        replica.apply(message, 0);
        assert!(frame(&mut replica).is_none());
        assert!(replica.take_typing().is_none());
        assert_eq!(replica.own(Some(&me), &[])[0].status, Status::Invisible);
        assert_eq!(
            replica.own(Some(&UserId::from(2)), std::slice::from_ref(&me)),
            []
        );
    }
    let after = replica.joined(None, vec![]);
    assert_eq!(after.frame, before.frame, "not even a number is skipped");
    assert_eq!(after.members, before.members);
    assert_eq!(replica.count(), 1);
    // One device that has not heard of it yet shows nobody either.
    replica.apply(
        &presence(5, EntryChange::Enter(entry(1, 4, DeviceKind::Mobile))),
        0,
    );
    assert!(frame(&mut replica).is_none());
    // Then they show themselves.
    replica.apply(&presence(6, EntryChange::Exit(hidden(2).key())), 0);
    assert_eq!(frame(&mut replica).unwrap().members[0].user, me);
    assert_eq!(replica.own(Some(&me), &[]), []);
}

#[test]
fn when_a_person_was_last_seen_is_told_only_while_they_are_not() {
    let mut replica = replica("online:1", Crowd::default());
    replica.set_last_seen(Some(3));
    assert_eq!(replica.first_view().last_seen, Some(3));
    let ada = entry(1, 1, DeviceKind::Desktop);
    replica.apply(&presence(1, EntryChange::Enter(ada.clone())), 0);
    assert_eq!(replica.first_view().last_seen, None);
    replica.take_step();
    // Hiding is going, to others.
    let hidden = Entry {
        status: Status::Invisible,
        ..ada.clone()
    };
    replica.apply(&presence(7, EntryChange::Enter(hidden.clone())), 0);
    assert_eq!(replica.version(), 1, "a gap changes nothing");
    replica.apply(&presence(2, EntryChange::Enter(hidden)), 0);
    assert_eq!(frame(&mut replica).unwrap().last_seen, Some(3));
    replica.apply(&presence(3, EntryChange::Exit(ada.key())), 0);
    assert_eq!(
        replica.first_view().last_seen,
        Some(3),
        "going while hidden is nothing that was seen"
    );
}

#[test]
fn a_large_room_shows_its_number_its_first_people_and_who_is_watched() {
    let mut replica = of_size(Crowd { large: 5, page: 2 });
    let mut version = 0;
    let mut apply = |replica: &mut Replica, change| {
        version += 1;
        replica.apply(&presence(version, change), 0);
    };
    for user in 1..=5 {
        apply(
            &mut replica,
            EntryChange::Enter(entry(user, user as u64, DeviceKind::Other)),
        );
    }
    assert_eq!(frame(&mut replica).unwrap().members.len(), 5);
    apply(
        &mut replica,
        EntryChange::Enter(entry(6, 6, DeviceKind::Other)),
    );
    assert!(matches!(replica.take_step().change, Change::Anew));
    let (me, friend) = (UserId::from(6), UserId::from(4));
    let users = |members: &[Member]| -> Vec<String> {
        members.iter().map(|m| m.user.to_string()).collect()
    };
    let view = replica.joined(None, replica.own(Some(&me), std::slice::from_ref(&friend)));
    assert_eq!(users(&view.members), ["1", "2"]);
    assert_eq!(users(&view.own), ["6", "4"]);
    assert_eq!(view.count, Some(6));
    let after = view.members.last().map(|m| (m.since, m.user.clone()));
    assert_eq!(users(&replica.page(after.as_ref(), 3)), ["3", "4", "5"]);
    // The first one goes: the next one is shown in their place.
    let first = entry(1, 1, DeviceKind::Other);
    apply(&mut replica, EntryChange::Exit(first.key()));
    let shown = frame(&mut replica).unwrap();
    assert_eq!(
        (users(&shown.members), shown.gone.len()),
        (vec!["3".into()], 1)
    );
    assert_eq!(
        shown.count,
        Some(5),
        "still large: it does not go to and fro"
    );
    apply(
        &mut replica,
        EntryChange::Exit(entry(5, 5, DeviceKind::Other).key()),
    );
    assert!(matches!(replica.take_step().change, Change::Anew));
    assert_eq!(replica.joined(None, vec![]).count, None);
}

/// Someone who sees the room, step by step.
struct Viewer {
    me: Option<UserId>,
    watched: Vec<UserId>,
    view: RoomView,
    frame: u64,
    own: Vec<Member>,
}

impl Viewer {
    fn join(replica: &Replica, me: i64, watched: &[i64]) -> Self {
        let mut viewer = Self {
            me: (me > 0).then(|| me.into()),
            watched: watched.iter().map(|user| (*user).into()).collect(),
            view: RoomView::default(),
            frame: 0,
            own: vec![],
        };
        viewer.show(replica);
        viewer
    }

    fn own(&self, replica: &Replica) -> Vec<Member> {
        replica.own(self.me.as_ref(), &self.watched)
    }

    fn show(&mut self, replica: &Replica) {
        self.own = self.own(replica);
        let joined = replica.joined(None, self.own.clone());
        self.frame = joined.frame;
        self.view.join(joined);
    }

    /// As a server and a client do it.
    fn step(&mut self, replica: &Replica, step: &Step) {
        match &step.change {
            Change::Nothing => {}
            Change::Frame(frame) => {
                assert_eq!(frame.frame, self.frame + 1);
                self.frame = frame.frame;
                self.view.apply(frame.clone());
            }
            Change::Anew => self.show(replica),
        }
        let mut concerned = self.me.iter().chain(&self.watched);
        if concerned.any(|user| step.touched.contains(user)) && self.own != self.own(replica) {
            self.own = self.own(replica);
            let (room, members) = ("board:7".parse().unwrap(), self.own.clone());
            self.view.apply_own(Own { room, members });
        }
    }
}

fn any_entry() -> impl Strategy<Value = (Entry, bool)> {
    let status = prop_oneof![
        Just(Status::Online),
        Just(Status::Away),
        Just(Status::Invisible)
    ];
    let place = prop::option::of(0u8..2);
    (0i64..7, 0u64..3, status, place, any::<bool>()).prop_map(
        |(user, session, status, place, enter)| {
            let at = place.map(|place| Place {
                room: format!("board:{place}").parse().unwrap(),
                since: 1,
            });
            let entry = Entry {
                status,
                at: at.into_iter().collect(),
                ..entry(user, session, DeviceKind::Other)
            };
            (entry, enter)
        },
    )
}

proptest! {
    /// Whatever comes, what each viewer was sent adds up to what someone sees who joins afterwards, the server knows
    /// what they show, and nobody who hides is in it.
    #[test]
    fn c3_what_is_sent_adds_up_to_the_view(
        steps in prop::collection::vec((any_entry(), any::<bool>()), 0..80),
        large in 1usize..6,
    ) {
        let room = if large == 1 { "online:1" } else { "board:7" };
        let mut replica = replica(room, Crowd { large, page: 2 });
        let mut viewers = [
            Viewer::join(&replica, 0, &[]),
            Viewer::join(&replica, 1, &[3, 4]),
            Viewer::join(&replica, 5, &[5, 1]),
        ];
        let last = steps.len();
        for (i, ((entry, enter), flush)) in steps.into_iter().enumerate() {
            let change = if enter { EntryChange::Enter(entry) } else { EntryChange::Exit(entry.key()) };
            prop_assert_eq!(replica.apply(&presence(i as u64 + 1, change), 0), Applied::Presence);
            if !flush && i + 1 < last {
                continue;
            }
            let step = replica.take_step();
            for viewer in &mut viewers {
                viewer.step(&replica, &step);
                let digest = replica.digest_at(viewer.frame);
                prop_assert_eq!(digest, Some(viewer.view.digest()));
                let fresh = replica.joined(None, viewer.own(&replica));
                prop_assert_eq!(fresh.frame, viewer.frame);
                let mut expected = RoomView::default();
                expected.join(fresh);
                prop_assert_eq!(&viewer.view, &expected);
                for member in expected.members.values() {
                    prop_assert_ne!(member.status, Status::Invisible);
                }
                for member in expected.own.values() {
                    let hides = member.status == Status::Invisible;
                    prop_assert!(!hides || Some(&member.user) == viewer.me.as_ref());
                }
            }
        }
        let all = replica.page(None, 100);
        prop_assert_eq!(all.len(), replica.count());
        prop_assert!(all.is_sorted_by_key(|member| (member.since, member.user.clone())));
    }
}
