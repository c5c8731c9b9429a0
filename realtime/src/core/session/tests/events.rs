//! What listeners are told.

use super::*;

#[test]
fn c1_events_reach_a_listener_in_order_once_each() {
    let mut rig = Rig::live();
    rig.listen(Some(4));
    assert_eq!(rig.take_sent().last(), Some(&join(0, Some(4))));
    rig.joined(Outcome::Replay, EPOCH, 6, 1, &[5, 6]);
    rig.room(2, &[7, 8]);
    rig.room(2, &[7, 8]);
    rig.room(3, &[9]);
    assert_eq!(rig.seen, ["5", "6", "7", "8", "9"]);
}

#[test]
fn c1_a_lost_frame_is_noticed_and_mended_by_joining_again() {
    let mut rig = Rig::live();
    rig.listen(None);
    rig.joined(Outcome::Fresh, EPOCH, 4, 1, &[]);
    rig.take_sent();
    rig.room(3, &[6]);
    assert_eq!(rig.take_sent(), [join(1, Some(4))]);
    rig.room(4, &[7]);
    assert!(rig.seen.is_empty(), "nothing out of order meanwhile");
    rig.joined(Outcome::Replay, EPOCH, 7, 4, &[5, 6, 7]);
    rig.room(5, &[8]);
    assert_eq!(rig.seen, ["5", "6", "7", "8"]);
}

#[test]
fn c2_a_listener_that_comes_later_gets_what_it_missed_and_the_others_no_repeat() {
    let mut rig = Rig::live();
    rig.session.acquire(&board(), None);
    rig.input(Input::Tick);
    rig.joined(Outcome::Fresh, EPOCH, 6, 1, &[]);
    rig.listen(None);
    rig.take_sent();
    rig.listen(Some(4));
    assert_eq!(rig.take_sent(), [join(1, Some(4))]);
    rig.joined(Outcome::Replay, EPOCH, 7, 2, &[5, 6, 7]);
    // The first listener was at 6, the second at 4.
    assert_eq!(rig.seen, ["7", "5", "6", "7"]);
}

#[test]
fn c2_a_listener_that_comes_while_a_join_is_under_way_is_served_by_a_second_one() {
    let mut rig = Rig::live();
    rig.session.acquire(&board(), None);
    rig.input(Input::Tick);
    rig.take_sent();
    rig.listen(Some(4));
    assert!(
        rig.take_sent().is_empty(),
        "the first question is still open"
    );
    rig.joined(Outcome::Fresh, EPOCH, 6, 1, &[]);
    assert_eq!(rig.take_sent(), [join(1, Some(4))]);
    rig.joined(Outcome::Replay, EPOCH, 6, 1, &[5, 6]);
    assert_eq!(rig.seen, ["5", "6"]);
}

#[test]
fn c11_what_cannot_be_replayed_is_a_reset_and_the_order_goes_on_from_there() {
    let mut rig = Rig::live();
    rig.listen(Some(4));
    rig.joined(Outcome::Reset, "00000000000000bb", 2, 1, &[]);
    rig.room(2, &[3]);
    assert_eq!(rig.seen, ["reset 2", "3"]);
    // Unasked, while live: the server's log began anew.
    rig.joined(Outcome::Reset, "00000000000000cc", 0, 1, &[]);
    rig.room(2, &[1]);
    assert_eq!(rig.seen[2..], ["reset 0", "1"]);
}

#[test]
fn c1_a_listener_of_an_older_life_of_the_log_is_given_nothing_before_its_reset() {
    let mut rig = Rig::live();
    rig.listen(None);
    rig.joined(Outcome::Fresh, EPOCH, 4, 1, &[]);
    rig.take_sent();
    // A component comes with a page that was made before the restart; an event comes before the answer to its join.
    let before = Position {
        epoch: Epoch(0xbb),
        seq: 4,
    };
    rig.session.listen(&board(), Some(before));
    rig.room(2, &[5]);
    assert_eq!(rig.seen, ["5"], "to the first listener alone");
    rig.input(Input::Tick);
    rig.joined(Outcome::Reset, EPOCH, 5, 2, &[]);
    assert_eq!(rig.seen, ["5", "reset 5"]);
}

/// A number as no honest server sends it, or as one does.
fn any_number() -> impl proptest::strategy::Strategy<Value = u64> {
    use proptest::prelude::*;
    prop_oneof![0u64..9, Just(u64::MAX), Just(u64::MAX - 1), Just(1 << 53)]
}

proptest::proptest! {
    #[test]
    fn whatever_numbers_the_server_sends_no_event_is_repeated_or_out_of_order(
        frames in proptest::collection::vec(
            (0u8..4, any_number(), any_number(), proptest::collection::vec(any_number(), 0..4)), 0..20
        )
    ) {
        let mut rig = Rig::live();
        rig.text(&format!(r#"0{{"pingInterval":{0},"pingTimeout":{0}}}"#, u64::MAX));
        rig.listen(Some(4));
        for (kind, seq, frame, events) in frames {
            match kind {
                0 => rig.joined(Outcome::Replay, EPOCH, seq, frame, &events),
                1 => rig.joined(Outcome::Reset, "00000000000000bb", seq, frame, &events),
                2 => rig.joined(Outcome::Fresh, EPOCH, seq, frame, &events),
                _ => rig.room(frame, &events),
            }
            rig.now += 1_000;
            rig.input(Input::Tick);
        }
        let mut last = None;
        for seen in &rig.seen {
            match seen.parse::<u64>() {
                Ok(seq) => {
                    proptest::prop_assert!(last.is_none_or(|last: u64| last.checked_add(1) == Some(seq)));
                    last = Some(seq);
                }
                Err(_) => last = None,
            }
        }
    }

    #[test]
    fn whatever_the_server_sends_nothing_panics(
        texts in proptest::collection::vec("(2|0\\{.*\\}|40|41|42\\[\"(room|joined|refused|goodbye)\",.*\\]|.*)", 0..20)
    ) {
        let mut rig = Rig::live();
        rig.listen(Some(4));
        for text in texts {
            rig.text(&text);
            rig.now += 1_000;
            rig.input(Input::Tick);
        }
    }
}

fn post(seq: u64, version: u64) -> Value {
    json!({"seq":seq,"id":format!("e{seq}"),"at":0,"subject":{"key":"post:7","version":version},"data":seq})
}

#[test]
fn c2_a_listener_that_comes_later_gets_older_versions_too() {
    let mut rig = Rig::live();
    rig.listen(None);
    rig.joined_with(Outcome::Fresh, EPOCH, 10, 1, vec![]);
    for (frame, version) in [(2, 1), (3, 2)] {
        let events = [post(9 + frame, version)];
        rig.frame(
            "room",
            json!({"room":"board:7","frame":frame,"events":events}),
        );
    }
    assert_eq!(rig.seen, ["11", "12"]);
    rig.listen(Some(10));
    rig.joined_with(
        Outcome::Replay,
        EPOCH,
        12,
        3,
        vec![post(11, 1), post(12, 2)],
    );
    assert_eq!(rig.seen, ["11", "12", "11", "12"]);
}

#[test]
fn c1_an_event_that_nobody_heard_is_told_when_it_comes_again() {
    let mut rig = Rig::live();
    rig.use_board();
    rig.joined(Outcome::Fresh, EPOCH, 4, 1, &[]);
    rig.room(2, &[5]);
    rig.joined(Outcome::Reset, "00000000000000bb", 0, 1, &[]);
    rig.listen(None);
    let again = |frame, seq| json!({"room":"board:7","frame":frame,"events":[{"seq":seq,"id":"e5","at":0,"data":5}]});
    rig.frame("room", again(2, 1));
    rig.frame("room", again(3, 2));
    assert_eq!(rig.seen, ["5"], "once");
}

#[test]
fn c1_a_reset_takes_back_who_was_further_in_the_same_life_of_the_log() {
    let mut rig = Rig::live();
    rig.listen(Some(20));
    rig.joined(Outcome::Reset, EPOCH, 12, 1, &[]);
    rig.room(2, &[13, 14]);
    assert_eq!(rig.seen, ["reset 12", "13", "14"]);
}

#[test]
fn c2_a_view_that_overtakes_the_answer_resets_nobody() {
    let mut rig = Rig::live();
    rig.listen(None);
    rig.joined(Outcome::Fresh, EPOCH, 10, 1, &[]);
    rig.listen(Some(4));
    // The server's own catching up was under way.
    rig.joined(Outcome::Replay, EPOCH, 12, 3, &[11, 12]);
    assert_eq!(rig.seen, ["11", "12"]);
    rig.joined(Outcome::Replay, EPOCH, 12, 3, &(5..13).collect::<Vec<_>>());
    assert_eq!(rig.seen[2..], ["5", "6", "7", "8", "9", "10", "11", "12"]);
}

#[test]
fn a_server_that_never_answers_what_was_asked_is_not_asked_for_ever() {
    let mut rig = Rig::live();
    rig.listen(Some(4));
    rig.take_sent();
    for ack in 1..17 {
        rig.joined(Outcome::Replay, EPOCH, 12, 1, &[11, 12]);
        assert_eq!(rig.take_sent(), [join(ack, Some(4))]);
    }
    rig.joined(Outcome::Replay, EPOCH, 12, 1, &[11, 12]);
    assert_eq!(rig.seen, ["reset 12"]);
    assert!(rig.take_sent().is_empty());
}

#[test]
fn c11_who_comes_too_late_for_a_replay_resets_nobody_else() {
    let mut rig = Rig::live();
    rig.listen(None);
    rig.joined(Outcome::Fresh, EPOCH, 10, 1, &[]);
    rig.listen(Some(4));
    rig.take_sent();
    rig.joined(Outcome::Reset, EPOCH, 11, 2, &[]);
    assert_eq!(rig.seen, ["reset 11"], "the late one");
    assert_eq!(rig.take_sent(), [join(2, Some(10))]);
    rig.joined(Outcome::Replay, EPOCH, 11, 2, &[11]);
    assert_eq!(rig.seen, ["reset 11", "11"]);
}

#[test]
fn c1_the_servers_own_catching_up_without_events_is_no_answer() {
    let mut rig = Rig::live();
    rig.listen(None);
    rig.joined(Outcome::Fresh, EPOCH, 10, 1, &[]);
    rig.listen(Some(4));
    // A digest was wrong, or the room became large.
    rig.joined(Outcome::Replay, EPOCH, 10, 2, &[]);
    assert!(rig.seen.is_empty(), "{:?}", rig.seen);
    rig.joined(Outcome::Replay, EPOCH, 10, 2, &(5..11).collect::<Vec<_>>());
    assert_eq!(rig.seen, ["5", "6", "7", "8", "9", "10"]);
}

#[test]
fn c2_the_answer_to_an_earlier_join_resets_nobody_who_came_later() {
    let mut rig = Rig::live();
    rig.use_board();
    rig.session.watch(&board(), None, vec![UserId::from(7)]);
    rig.input(Input::Tick);
    rig.listen(Some(4));
    rig.joined(Outcome::Fresh, EPOCH, 6, 1, &[]);
    // Asked for since 4 by now; this one was asked for before.
    rig.joined(Outcome::Fresh, EPOCH, 6, 1, &[]);
    assert!(rig.seen.is_empty(), "{:?}", rig.seen);
    rig.joined(Outcome::Replay, EPOCH, 6, 1, &[5, 6]);
    assert_eq!(rig.seen, ["5", "6"]);
}

#[test]
fn c2_the_answers_to_several_earlier_joins_reset_nobody_who_came_later() {
    let mut rig = Rig::live();
    rig.use_board();
    for person in [7, 8] {
        rig.session
            .watch(&board(), None, vec![UserId::from(person)]);
        rig.input(Input::Tick);
    }
    rig.listen(Some(4));
    rig.joined(Outcome::Fresh, EPOCH, 6, 1, &[]);
    rig.joined(Outcome::Fresh, EPOCH, 6, 1, &[]);
    rig.joined(Outcome::Fresh, EPOCH, 6, 1, &[]);
    // The server catches up, too.
    rig.joined(Outcome::Replay, EPOCH, 7, 2, &[7]);
    assert!(rig.seen.is_empty(), "{:?}", rig.seen);
    rig.joined(Outcome::Replay, EPOCH, 7, 2, &[5, 6, 7]);
    assert_eq!(rig.seen, ["5", "6", "7"]);
}

#[test]
fn c2_what_happened_before_a_room_was_joined_again_is_asked_for() {
    let mut rig = Rig::live();
    rig.use_board();
    rig.session.release(rig.now, &board());
    rig.wait();
    rig.use_board();
    // The answer to the first use comes late; the room is left then, and joined again after the next events.
    rig.joined(Outcome::Fresh, EPOCH, 0, 1, &[]);
    rig.listen(Some(0));
    rig.take_sent();
    rig.joined(Outcome::Fresh, EPOCH, 2, 1, &[]);
    assert!(rig.seen.is_empty(), "{:?}", rig.seen);
    assert_eq!(rig.take_sent(), [join(3, Some(0))]);
    rig.joined(Outcome::Replay, EPOCH, 2, 1, &[1, 2]);
    assert_eq!(rig.seen, ["1", "2"]);
}

#[test]
fn c1_a_late_answer_that_goes_on_from_elsewhere_resets_nobody() {
    let mut rig = Rig::live();
    rig.listen(Some(10));
    // The order began anew before the question was read. Its answer goes on from a place that nobody is at.
    rig.joined(Outcome::Reset, EPOCH, 0, 1, &[]);
    rig.take_sent();
    rig.joined(Outcome::Replay, EPOCH, 12, 2, &[11, 12]);
    assert_eq!(rig.seen, ["reset 0"]);
    assert_eq!(rig.take_sent(), [join(1, Some(0))]);
    rig.joined(Outcome::Replay, EPOCH, 12, 2, &(1..13).collect::<Vec<_>>());
    assert_eq!(rig.seen.len(), 13);
}

#[test]
fn c7_a_reset_is_followed_by_what_has_happened_since_the_order_began() {
    let mut rig = Rig::live();
    rig.listen(Some(10));
    let anew = "00000000000000bb";
    rig.joined(Outcome::Reset, anew, 2, 1, &[1, 2]);
    assert_eq!(rig.seen, ["reset 0", "1", "2"]);
    rig.room(2, &[3]);
    assert_eq!(rig.seen.last().unwrap(), "3");
}

#[test]
fn c13_an_older_version_is_no_news_for_who_was_sent_back_to_look_again() {
    let mut rig = Rig::live();
    rig.use_board();
    rig.joined(Outcome::Fresh, EPOCH, 0, 1, &[]);
    // Nobody listened yet.
    let first = json!({"room":"board:7","frame":2,"events":[post(1, 3)]});
    rig.frame("room", first);
    rig.listen(Some(1));
    let newer = json!({"room":"board:7","frame":3,"events":[post(2, 11)]});
    rig.frame("room", newer);
    rig.joined(Outcome::Reset, "00000000000000bb", 0, 1, &[]);
    // An instance that is behind still shows the order before.
    let events = vec![post(1, 3), post(2, 11)];
    rig.joined_with(Outcome::Reset, EPOCH, 2, 1, events);
    assert_eq!(rig.seen, ["2", "reset 0", "reset 0"]);
}

#[test]
fn c6_a_provisional_event_is_told_once_and_not_again_with_its_number() {
    let mut rig = Rig::live();
    rig.listen(None);
    rig.joined(Outcome::Fresh, EPOCH, 10, 1, &[]);
    let mut provisional = event(11);
    provisional["seq"] = json!(0);
    for _ in 0..2 {
        let payload = json!({"room":"board:7","event":provisional});
        rig.frame("provisional", payload);
    }
    assert_eq!(rig.seen, ["11"]);
    rig.room(2, &[11, 12]);
    assert_eq!(rig.seen, ["11", "12"]);
}
