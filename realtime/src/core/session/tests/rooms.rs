//! What is joined, left and shown.

use super::*;

#[test]
fn a_room_is_left_after_its_last_use_unless_it_is_used_again() {
    let mut rig = Rig::live();
    rig.session.acquire(&board(), None);
    rig.session.acquire(&board(), None);
    rig.input(Input::Tick);
    rig.joined(Outcome::Fresh, EPOCH, 0, 1, &[]);
    rig.take_sent();
    rig.session.release(rig.now, &board());
    rig.now += 1_000;
    rig.input(Input::Tick);
    rig.session.release(rig.now, &board());
    rig.session.acquire(&board(), None);
    rig.now += 1_000;
    rig.input(Input::Tick);
    assert!(rig.take_sent().is_empty(), "used again in time");
    rig.session.release(rig.now, &board());
    rig.wait();
    assert_eq!(rig.take_sent(), [r#"421["leave",{"rooms":["board:7"]}]"#]);
    assert_eq!(rig.session.view(&board()), None);
}

#[test]
fn typing_is_told_as_seldom_as_the_server_asked() {
    let mut rig = Rig::live();
    rig.session.acquire(&board(), None);
    rig.input(Input::Tick);
    rig.joined(Outcome::Fresh, EPOCH, 0, 1, &[]);
    rig.take_sent();
    for now in [0, 100, 2_499, 2_500, 2_600] {
        rig.session.typing(now, &board(), true);
    }
    rig.session.typing(2_700, &board(), false);
    rig.session.typing(2_800, &board(), false);
    rig.pump();
    let on = r#"42["typing",{"room":"board:7","on":true}]"#;
    assert_eq!(
        rig.take_sent(),
        [on, on, r#"42["typing",{"room":"board:7","on":false}]"#]
    );
}

#[test]
fn a_refused_room_says_why_and_the_others_go_on() {
    let mut rig = Rig::live();
    rig.listen(None);
    rig.frame(
        "refused",
        json!({"room":"board:7","error":{"code":"forbidden","message":"no"}}),
    );
    let state = rig.session.view(&board()).unwrap().state.clone();
    assert!(matches!(state, ViewState::Refused(error) if error.code == ErrorCode::Forbidden));
    assert_eq!(*rig.session.connection(), Connection::Live);
    let mut rig = Rig::live();
    rig.listen(None);
    rig.text(r#"430[{"error":{"code":"limit_exceeded","message":"too many"}}]"#);
    assert!(matches!(
        rig.session.view(&board()).unwrap().state,
        ViewState::Refused(_)
    ));
}

#[test]
fn a_room_that_cannot_be_joined_right_now_is_asked_for_again() {
    let mut rig = Rig::live();
    rig.listen(Some(4));
    rig.joined(Outcome::Replay, EPOCH, 4, 1, &[]);
    rig.room(3, &[6]);
    rig.take_sent();
    rig.text(r#"431[{"error":{"code":"unavailable","message":"…"}}]"#);
    let view = rig.session.view(&board()).unwrap();
    assert_eq!(
        view.state,
        ViewState::Stale,
        "what was known is still shown"
    );
    rig.now = rig.session.deadline(rig.now).unwrap();
    rig.input(Input::Tick);
    assert_eq!(rig.take_sent(), [join(2, Some(4))]);
    rig.joined(Outcome::Replay, EPOCH, 6, 3, &[5, 6]);
    assert_eq!(rig.seen, ["5", "6"]);
}

#[test]
fn a_leave_that_the_server_did_not_take_is_told_again_unless_the_room_is_used_again() {
    let mut rig = Rig::live();
    rig.use_board();
    rig.joined(Outcome::Fresh, EPOCH, 0, 1, &[]);
    rig.session.release(rig.now, &board());
    rig.wait();
    rig.take_sent();
    rig.text(r#"431[{"error":{"code":"limit_exceeded","message":"…","retry_after_ms":5000}}]"#);
    assert!(rig.take_sent().is_empty());
    rig.wait();
    assert!(rig.now >= 7_000, "not before it may");
    assert_eq!(rig.take_sent(), [r#"422["leave",{"rooms":["board:7"]}]"#]);
    rig.wait();
    assert_eq!(
        rig.take_sent(),
        [r#"423["leave",{"rooms":["board:7"]}]"#],
        "no answer"
    );
    rig.text(r#"433[{"error":{"code":"unavailable","message":"…"}}]"#);
    rig.use_board();
    assert_eq!(rig.take_sent(), [join(4, None)]);
    rig.joined(Outcome::Fresh, EPOCH, 0, 1, &[]);
    rig.now += 5_000;
    rig.input(Input::Tick);
    assert!(rig.take_sent().is_empty(), "used again");
}

#[test]
fn a_room_that_is_refused_twice_is_not_asked_for_before_the_later_time() {
    let mut rig = Rig::live();
    rig.use_board();
    let asked = rig.now;
    rig.text(r#"430[{"error":{"code":"limit_exceeded","message":"…","retry_after_ms":20000}}]"#);
    let refused = json!({"room":"board:7","error":{"code":"limit_exceeded","message":"…"}});
    rig.frame("refused", refused);
    rig.session.release(rig.now, &board());
    rig.use_board();
    rig.take_sent();
    while rig.take_sent().is_empty() {
        rig.wait();
    }
    assert!(
        rig.now >= asked + 20_000,
        "asked again after {} ms",
        rig.now - asked
    );
}

#[test]
fn c12_no_more_people_are_watched_than_the_server_takes_and_each_list_ends_by_itself() {
    let mut rig = Rig::live();
    rig.session.acquire(&board(), None);
    let many = (1..102).map(UserId::from).collect();
    let first = rig.session.watch(&board(), None, many).unwrap();
    rig.input(Input::Tick);
    let sent = rig.take_sent().pop().unwrap();
    assert!(
        sent.contains(r#""100""#) && !sent.contains(r#""101""#),
        "{sent}"
    );
    rig.joined(Outcome::Fresh, EPOCH, 0, 1, &[]);
    let other = vec![UserId::from(7), UserId::from(500)];
    rig.session.watch(&board(), None, other);
    rig.session.unwatch(&board(), first);
    rig.input(Input::Tick);
    let sent = rig.take_sent().pop().unwrap();
    assert!(sent.ends_with(r#""watch":["7","500"]}]}]"#), "{sent}");
}

#[test]
fn c12_one_room_too_many_is_refused_alone_and_joined_once_another_is_left() {
    let mut rig = Rig::live();
    let other: RoomId = "community:1".parse().unwrap();
    rig.session.acquire(&other, None);
    rig.use_board();
    rig.take_sent();
    let too_many =
        |ack| format!(r#"43{ack}[{{"error":{{"code":"limit_exceeded","message":"…"}}}}]"#);
    rig.text(&too_many(0));
    assert_eq!(
        rig.session.view(&board()).unwrap().state,
        ViewState::Loading
    );
    let sent = rig.take_sent();
    assert_eq!(sent.len(), 2, "each by itself: {sent:?}");
    rig.joined(Outcome::Fresh, EPOCH, 0, 1, &[]);
    rig.text(&too_many(2));
    assert!(rig.session.is_live(&board()));
    let state = |rig: &Rig| rig.session.view(&other).unwrap().state.clone();
    assert!(matches!(state(&rig), ViewState::Refused(_)));
    rig.session.release(rig.now, &board());
    rig.wait();
    rig.text(r#"433[{"ok":true}]"#);
    let sent = rig.take_sent().pop().unwrap();
    assert_eq!(sent, r#"424["join",{"rooms":[{"room":"community:1"}]}]"#);
}

#[test]
fn a_refused_room_is_asked_for_again_for_whoever_comes_to_use_it_but_not_at_once() {
    let mut rig = Rig::live();
    rig.use_board();
    rig.frame(
        "refused",
        json!({"room":"board:7","error":{"code":"forbidden","message":"no"}}),
    );
    rig.take_sent();
    rig.use_board();
    assert!(rig.take_sent().is_empty());
    rig.wait();
    assert!((1_000..2_001).contains(&rig.now));
    assert_eq!(rig.take_sent(), [join(1, None)]);
}

#[test]
fn a_first_view_is_shown_at_once_also_in_a_room_that_is_in_use() {
    let mut rig = Rig::live();
    rig.use_board();
    let first = FirstView {
        room: board(),
        position: Position {
            epoch: Epoch(0xaa),
            seq: 3,
        },
        members: vec![],
        count: None,
        guests: 2,
        last_seen: None,
    };
    rig.session.acquire(&board(), Some(&first));
    assert!(matches!(rig.session.poll(), Some(Output::View(room)) if room == board()));
    assert_eq!(rig.session.view(&board()).unwrap().guests, 2);
}

#[test]
fn a_room_that_was_closed_while_it_was_asked_for_anew_is_shown_when_the_answer_comes() {
    let mut rig = Rig::live();
    rig.listen(None);
    rig.joined(Outcome::Fresh, EPOCH, 4, 1, &[]);
    rig.session
        .watch(&board(), None, vec![UserId::from(7)])
        .unwrap();
    rig.input(Input::Tick);
    rig.frame(
        "refused",
        json!({"room":"board:7","error":{"code":"room_closed","message":"…"}}),
    );
    rig.take_sent();
    // The server took the question after the closing, and let the person in.
    rig.joined(Outcome::Replay, EPOCH, 5, 1, &[5]);
    assert!(rig.session.is_live(&board()));
    rig.room(2, &[6]);
    assert_eq!(rig.seen, ["5", "6"]);
}

#[test]
fn who_stops_typing_while_a_room_is_asked_for_anew_says_so() {
    let mut rig = Rig::live();
    rig.use_board();
    rig.joined(Outcome::Fresh, EPOCH, 0, 1, &[]);
    rig.session.typing(rig.now, &board(), true);
    rig.session
        .watch(&board(), None, vec![UserId::from(7)])
        .unwrap();
    rig.input(Input::Tick);
    rig.take_sent();
    rig.session.typing(rig.now, &board(), false);
    rig.pump();
    assert_eq!(
        rig.take_sent(),
        [r#"42["typing",{"room":"board:7","on":false}]"#]
    );
}

#[test]
fn a_room_that_was_used_only_before_there_was_a_connection_is_not_joined() {
    let mut rig = Rig::new();
    rig.input(Input::Start);
    rig.use_board();
    rig.session.release(rig.now, &board());
    rig.shake_hands();
    assert_eq!(rig.take_sent().len(), 1, "the handshake alone");
    rig.use_board();
    assert_eq!(rig.take_sent(), [join(0, None)], "used again");
    // Whoever was there already comes back, and leaves at once instead of after the grace.
    rig.joined(Outcome::Fresh, EPOCH, 0, 1, &[]);
    rig.session.release(rig.now, &board());
    rig.input(Input::Closed);
    rig.input(Input::Start);
    rig.shake_hands();
    rig.take_sent();
    rig.wait();
    assert_eq!(rig.take_sent(), [r#"422["leave",{"rooms":["board:7"]}]"#]);
}

#[test]
fn watching_people_of_a_room_that_cannot_be_joined_does_not_ask_for_it_earlier() {
    let error =
        |rest| format!(r#"430[{{"error":{{"code":"limit_exceeded","message":"…"{rest}}}}}]"#);
    for refusal in [error(""), error(r#","retry_after_ms":30000"#)] {
        let mut rig = Rig::live();
        rig.use_board();
        rig.text(&refusal);
        rig.take_sent();
        let list = rig.session.watch(&board(), None, vec![UserId::from(7)]);
        rig.input(Input::Tick);
        rig.session.unwatch(&board(), list.unwrap());
        rig.input(Input::Tick);
        assert!(rig.take_sent().is_empty(), "{refusal}");
    }
}

#[test]
fn a_room_that_was_put_off_and_is_then_refused_is_not_asked_for_again() {
    let mut rig = Rig::live();
    rig.use_board();
    rig.frame(
        "refused",
        json!({"room":"board:7","error":{"code":"unavailable","message":"…"}}),
    );
    rig.text(r#"430[{"error":{"code":"forbidden","message":"no"}}]"#);
    rig.take_sent();
    rig.now += 10_000;
    rig.input(Input::Tick);
    assert!(rig.take_sent().is_empty());
}

#[test]
fn a_room_that_was_released_with_a_question_and_is_then_refused_is_not_asked_for_at_its_next_use() {
    let mut rig = Rig::live();
    rig.use_board();
    rig.joined(Outcome::Fresh, EPOCH, 0, 1, &[]);
    rig.session.watch(&board(), None, vec![UserId::from(7)]);
    rig.session.release(rig.now, &board());
    rig.frame(
        "refused",
        json!({"room":"board:7","error":{"code":"forbidden","message":"no"}}),
    );
    rig.take_sent();
    rig.use_board();
    assert!(rig.take_sent().is_empty(), "not at once");
    rig.wait();
    assert_eq!(rig.take_sent().len(), 1, "later");
}

#[test]
fn a_room_that_was_released_with_a_question_and_is_then_put_off_is_not_asked_for_before_its_time() {
    let mut rig = Rig::live();
    rig.use_board();
    rig.joined(Outcome::Fresh, EPOCH, 0, 1, &[]);
    rig.session.watch(&board(), None, vec![UserId::from(7)]);
    rig.session.release(rig.now, &board());
    let error = json!({"code":"unavailable","message":"…","retry_after_ms":4_000});
    rig.frame("refused", json!({"room":"board:7","error":error}));
    rig.take_sent();
    rig.use_board();
    assert!(rig.take_sent().is_empty(), "not at once");
    rig.wait();
    assert_eq!(rig.take_sent().len(), 1, "in its time");
}

#[test]
fn a_refused_room_that_is_granted_before_it_was_to_be_asked_for_again_is_not_asked_for() {
    let mut rig = Rig::live();
    rig.use_board();
    rig.session.watch(&board(), None, vec![UserId::from(7)]);
    rig.input(Input::Tick);
    rig.frame(
        "refused",
        json!({"room":"board:7","error":{"code":"forbidden","message":"no"}}),
    );
    rig.use_board();
    rig.take_sent();
    rig.joined(Outcome::Fresh, EPOCH, 0, 1, &[]);
    rig.now += 10_000;
    rig.input(Input::Tick);
    assert!(rig.take_sent().is_empty());
}

#[test]
fn whom_a_refused_room_is_to_show_is_told_when_it_is_granted_after_all() {
    let mut rig = Rig::live();
    let list = |rig: &mut Rig, id, person| {
        let people = vec![UserId::from(person)];
        rig.session.watch(&board(), id, people)
    };
    rig.use_board();
    let id = list(&mut rig, None, 7);
    rig.input(Input::Tick);
    rig.frame(
        "refused",
        json!({"room":"board:7","error":{"code":"forbidden","message":"no"}}),
    );
    list(&mut rig, id, 8);
    rig.input(Input::Tick);
    rig.take_sent();
    rig.joined(Outcome::Fresh, EPOCH, 0, 1, &[]);
    let sent = rig.take_sent().pop().unwrap();
    assert!(sent.ends_with(r#""watch":["8"]}]}]"#), "{sent}");
    rig.joined(Outcome::Fresh, EPOCH, 0, 1, &[]);
    assert!(rig.take_sent().is_empty());
}

#[test]
fn whom_a_room_is_to_show_is_told_again_where_the_question_was_refused_and_the_room_was_kept() {
    let mut rig = Rig::live();
    rig.use_board();
    rig.joined(Outcome::Fresh, EPOCH, 0, 1, &[]);
    rig.session.watch(&board(), None, vec![UserId::from(7)]);
    rig.input(Input::Tick);
    rig.text(r#"431[{"error":{"code":"too_large","message":"…"}}]"#);
    assert!(!rig.session.is_live(&board()));
    rig.take_sent();
    // The room is still joined, and became large.
    rig.joined(Outcome::Replay, EPOCH, 0, 2, &[]);
    let sent = rig.take_sent().pop().unwrap();
    assert!(sent.ends_with(r#""watch":["7"]}]}]"#), "{sent}");
}

#[test]
fn a_room_that_was_left_is_not_shown_by_the_late_answer_to_what_was_asked_before() {
    let mut rig = Rig::live();
    rig.use_board();
    rig.session.release(rig.now, &board());
    rig.wait();
    // Used again for a moment, and not asked for again: the server has the question and the leave to answer.
    rig.session.acquire(&board(), None);
    rig.session.release(rig.now, &board());
    rig.frame(
        "refused",
        json!({"room":"board:7","error":{"code":"kicked","message":"no"}}),
    );
    rig.joined(Outcome::Fresh, EPOCH, 0, 1, &[]);
    let state = &rig.session.view(&board()).unwrap().state;
    assert!(matches!(state, ViewState::Refused(_)), "{state:?}");
}
