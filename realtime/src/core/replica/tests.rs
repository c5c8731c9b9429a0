//! A replica, message by message.

use proptest::prelude::*;

use super::*;
use crate::protocol::{Epoch, User};

const EPOCH: Epoch = Epoch(1);

fn empty() -> Replica {
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
    Replica::new("board:7".parse().unwrap(), snapshot)
}

fn entry(user: i64, session: u64, kind: DeviceKind) -> Entry {
    Entry {
        session: format!("s{session}").try_into().unwrap(),
        user: (user > 0).then(|| User::new(user, format!("P{user}"))),
        incarnation: 1,
        device: None,
        device_kind: kind,
        status: Status::Online,
        since: session,
    }
}

fn presence(version: u64, change: EntryChange) -> RoomMessage {
    RoomMessage::Presence {
        epoch: EPOCH,
        version,
        change,
    }
}

fn event(seq: u64) -> RoomMessage {
    let data = serde_json::value::to_raw_value(&seq).unwrap();
    let event = WireEvent {
        subject: None,
        seq,
        id: format!("e{seq}").try_into().unwrap(),
        at: 0,
        data,
    };
    RoomMessage::Event {
        epoch: EPOCH,
        event: Arc::new(event),
    }
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
    let frame = replica.take_frame().unwrap();
    assert_eq!(frame.members.len(), 1);
    assert_eq!(
        frame.members[0].devices,
        [DeviceKind::Desktop, DeviceKind::Mobile]
    );
    assert_eq!(frame.members[0].since, 1);
    replica.apply(&presence(3, EntryChange::Exit(phone.key())), 0);
    let frame = replica.take_frame().unwrap();
    assert!(frame.gone.is_empty());
    assert_eq!(frame.members[0].devices, [DeviceKind::Desktop]);
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
    assert!(replica.take_frame().is_none());
    assert!(replica.is_empty());
}

#[test]
fn a_lost_message_is_a_gap_and_a_repeated_one_is_nothing() {
    let mut replica = empty();
    assert_eq!(replica.apply(&event(1), 0), Applied::Urgent);
    assert_eq!(replica.apply(&event(1), 0), Applied::Nothing);
    assert_eq!(replica.apply(&event(3), 0), Applied::Gap);
    assert_eq!(
        replica.apply(
            &presence(2, EntryChange::Enter(entry(1, 1, DeviceKind::Other))),
            0
        ),
        Applied::Gap
    );
    assert_eq!(replica.position().seq, 1);
}

#[test]
fn a_reload_in_the_same_epoch_shows_what_was_missed_and_in_another_asks_for_a_reset() {
    let mut replica = empty();
    replica.apply(&event(1), 0);
    replica.take_frame();
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
    let frame = replica.take_frame().unwrap();
    assert_eq!(
        frame.events.iter().map(|e| e.seq).collect::<Vec<_>>(),
        [2, 3]
    );
    assert_eq!(frame.members.len(), 1);
    assert!(!replica.reload(snapshot(Epoch(2))));
    assert!(replica.take_frame().is_none());
    assert_eq!(
        replica
            .joined(Some(Position {
                epoch: EPOCH,
                seq: 3
            }))
            .outcome,
        Outcome::Reset
    );
}

#[test]
fn typing_ends_by_itself_and_only_those_who_are_here_type() {
    let mut replica = empty();
    let typing = |user: i64, on| RoomMessage::Typing {
        user: user.into(),
        on,
    };
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
    assert_eq!(replica.take_frame().unwrap().typing, Some(vec![1.into()]));
    assert!(!replica.expire(Retention::default(), TYPING_TTL_MS + 999, 0));
    assert!(replica.expire(Retention::default(), TYPING_TTL_MS + 1_000, 0));
    assert_eq!(replica.take_frame().unwrap().typing, Some(vec![]));
    replica.apply(&typing(1, true), 0);
    replica.apply(&presence(2, EntryChange::Exit(ada.key())), 0);
    assert_eq!(replica.take_frame().unwrap().gone, vec![UserId::from(1)]);
    assert!(replica.joined(None).typing.is_empty(), "leaving ends it");
}

proptest! {
    /// Whatever comes, the frames add up to the view of someone who joins afterwards.
    #[test]
    fn frames_add_up_to_the_view(
        steps in prop::collection::vec((0i64..4, 0u64..3, any::<bool>(), any::<bool>()), 0..60)
    ) {
        let mut replica = empty();
        let mut seen: BTreeMap<UserId, Member> = BTreeMap::new();
        let (mut guests, mut frames) = (0, 0);
        for (i, (user, session, enter, flush)) in steps.into_iter().enumerate() {
            let entry = entry(user, session, DeviceKind::Other);
            let change = if enter { EntryChange::Enter(entry) } else { EntryChange::Exit(entry.key()) };
            prop_assert_eq!(replica.apply(&presence(i as u64 + 1, change), 0), Applied::Presence);
            if flush && let Some(frame) = replica.take_frame() {
                frames += 1;
                prop_assert_eq!(frame.frame, frames);
                seen.extend(frame.members.into_iter().map(|m| (m.user.clone(), m)));
                for user in frame.gone {
                    prop_assert!(seen.remove(&user).is_some(), "only who was shown goes");
                }
                guests = frame.guests.unwrap_or(guests);
            }
        }
        if let Some(frame) = replica.take_frame() {
            seen.extend(frame.members.into_iter().map(|m| (m.user.clone(), m)));
            for user in frame.gone { seen.remove(&user); }
            guests = frame.guests.unwrap_or(guests);
        }
        let view = replica.joined(None);
        prop_assert_eq!(view.members, seen.into_values().collect::<Vec<_>>());
        prop_assert_eq!(view.guests, guests);
        prop_assert_eq!(replica.first_view().members, view_members(&replica));
    }
}

fn view_members(replica: &Replica) -> Vec<Member> {
    replica.joined(None).members
}
