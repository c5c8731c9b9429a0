//! How it connects, stays connected and comes back.

use super::*;

#[test]
fn it_shakes_hands_joins_and_answers_pings() {
    let mut rig = Rig::new();
    rig.session.acquire(&board(), None);
    rig.input(Input::Start);
    assert_eq!(rig.opened, 1);
    rig.shake_hands();
    assert_eq!(
        rig.take_sent(),
        [
            r#"40{"protocol":1,"session":"tab","incarnation":1,"device_kind":"other"}"#.to_owned(),
            join(0, None),
        ]
    );
    rig.joined(Outcome::Fresh, EPOCH, 4, 9, &[]);
    assert!(rig.session.is_live(&board()));
    rig.text("2");
    assert_eq!(rig.take_sent(), ["3"]);
}

#[test]
fn c11_after_a_reconnect_all_rooms_resume_in_one_message() {
    let mut rig = Rig::live();
    rig.listen(None);
    rig.session.acquire(&"community:1".parse().unwrap(), None);
    rig.input(Input::Tick);
    rig.joined(Outcome::Fresh, EPOCH, 4, 1, &[]);
    rig.room(2, &[5]);
    rig.input(Input::Closed);
    assert!(matches!(
        rig.session.connection(),
        Connection::Waiting { attempt: 1, .. }
    ));
    assert_eq!(rig.session.view(&board()).unwrap().state, ViewState::Stale);
    rig.take_sent();
    rig.now = rig.session.deadline(rig.now).unwrap();
    rig.input(Input::Tick);
    rig.shake_hands();
    let sent = rig.take_sent();
    assert!(sent[0].contains(r#""incarnation":2"#), "{sent:?}");
    let resume = format!(
        r#"422["join",{{"rooms":[{{"room":"board:7","since":{{"epoch":"{EPOCH}","seq":5}}}},{{"room":"community:1"}}]}}]"#
    );
    assert_eq!(sent[1..], [resume]);
    rig.joined(Outcome::Replay, EPOCH, 7, 1, &[6, 7]);
    assert_eq!(rig.seen, ["5", "6", "7"]);
}

#[test]
fn a_silent_server_is_given_up_and_retried_with_growing_waits() {
    let mut rig = Rig::live();
    rig.now = 44_999;
    rig.input(Input::Tick);
    assert_eq!(*rig.session.connection(), Connection::Live);
    rig.now = 45_000;
    rig.input(Input::Tick);
    assert_eq!(rig.take_sent().last().unwrap(), "close");
    let mut attempts = vec![];
    for _ in 0..3 {
        let Connection::Waiting { attempt, .. } = *rig.session.connection() else {
            panic!("waiting")
        };
        attempts.push(attempt);
        rig.now = rig.session.deadline(rig.now).unwrap();
        rig.input(Input::Tick);
        rig.input(Input::Closed);
    }
    assert_eq!(attempts, [1, 2, 3]);
    rig.now = rig.session.deadline(rig.now).unwrap();
    rig.input(Input::Tick);
    rig.shake_hands();
    rig.input(Input::Closed);
    let attempt = |rig: &Rig| match *rig.session.connection() {
        Connection::Waiting { attempt, .. } => attempt,
        _ => panic!("waiting"),
    };
    assert_eq!(
        attempt(&rig),
        5,
        "a connection that ends at once is no success"
    );
    rig.now = rig.session.deadline(rig.now).unwrap();
    rig.input(Input::Tick);
    rig.shake_hands();
    rig.now += 5_000;
    rig.input(Input::Closed);
    assert_eq!(attempt(&rig), 1, "one that lives starts the count anew");
}

#[test]
fn a_handshake_that_takes_too_long_is_given_up() {
    let mut rig = Rig::new();
    rig.input(Input::Start);
    rig.now = rig.session.deadline(rig.now).unwrap();
    rig.input(Input::Tick);
    assert!(matches!(
        rig.session.connection(),
        Connection::Waiting { .. }
    ));
}

#[test]
fn what_the_server_says_at_closing_decides_what_comes_next() {
    for (code, action, stopped) in [
        ("unauthorized", "sign_in", false),
        ("unsupported_protocol", "reload", true),
        ("going_away", "retry", false),
    ] {
        let mut rig = Rig::live();
        rig.frame(
            "goodbye",
            json!({"action":action,"error":{"code":code,"message":"…"}}),
        );
        rig.text("41");
        assert_eq!(
            matches!(rig.session.connection(), Connection::Stopped(_)),
            stopped,
            "{code}"
        );
    }
    for (refusal, stopped) in [
        ("unauthorized: sign in again", true),
        ("unavailable: try again", false),
    ] {
        let mut rig = Rig::new();
        rig.input(Input::Start);
        rig.text(&format!("44{}", json!({ "message": refusal })));
        assert_eq!(
            matches!(rig.session.connection(), Connection::Stopped(_)),
            stopped,
            "{refusal}"
        );
    }
    let mut rig = Rig::live();
    rig.text("41");
    assert!(
        matches!(rig.session.connection(), Connection::Stopped(_)),
        "not asked again and again without a word"
    );
    rig.input(Input::Start);
    assert!(matches!(
        rig.session.connection(),
        Connection::Connecting { .. }
    ));
}

#[test]
fn c5_a_duplicated_tab_takes_a_session_of_its_own_once_instead_of_fighting() {
    let mut rig = Rig::live();
    let replaced = json!({"action":"stop","error":{"code":"replaced","message":"…"}});
    rig.frame("goodbye", replaced.clone());
    rig.text("41");
    assert!(matches!(
        rig.session.connection(),
        Connection::Waiting { .. }
    ));
    assert_ne!(rig.session.auth().session.as_ref().unwrap().as_str(), "tab");
    rig.now = rig.session.deadline(rig.now).unwrap();
    rig.input(Input::Tick);
    rig.text(
        r#"0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1}"#,
    );
    rig.text(r#"40{"sid":"y"}"#);
    rig.frame("goodbye", replaced);
    rig.text("41");
    assert!(matches!(rig.session.connection(), Connection::Stopped(_)));
}

#[test]
fn without_a_network_little_is_tried_and_with_one_it_is_at_once() {
    let mut rig = Rig::live();
    rig.input(Input::Network(false));
    assert_eq!(*rig.session.connection(), Connection::Offline);
    assert_eq!(
        rig.session.deadline(rig.now),
        Some(60_000),
        "in case it is wrong"
    );
    rig.input(Input::Tick);
    assert_eq!(rig.opened, 1);
    rig.input(Input::Network(true));
    assert_eq!(rig.opened, 2);
    // Whoever looks at a page that waits for its next try need not wait.
    rig.input(Input::Closed);
    assert!(matches!(
        rig.session.connection(),
        Connection::Waiting { .. }
    ));
    rig.input(Input::Visible(false));
    assert_eq!(rig.opened, 2);
    rig.input(Input::Visible(true));
    assert_eq!(rig.opened, 3);
}

#[test]
fn a_server_that_says_when_to_come_back_is_given_that_time() {
    let mut rig = Rig::live();
    let error = json!({"code": "limit_exceeded", "message": "…", "retry_after_ms": 30_000});
    rig.frame("goodbye", json!({"action": "retry", "error": error}));
    rig.text("41");
    let Connection::Waiting { until, .. } = *rig.session.connection() else {
        panic!("it waits")
    };
    assert!(until >= rig.now + 30_000);
}

#[test]
fn a_network_that_came_back_unsaid_is_found_by_looking_at_the_page_and_in_time() {
    let mut rig = Rig::live();
    rig.input(Input::Network(false));
    rig.wait();
    assert_eq!(rig.opened, 2, "from time to time");
    rig.input(Input::Closed);
    assert_eq!(*rig.session.connection(), Connection::Offline);
    rig.now += 3_000;
    rig.input(Input::Visible(true));
    assert_eq!(rig.opened, 3, "somebody looks");
    rig.shake_hands();
    rig.input(Input::Closed);
    assert!(
        matches!(rig.session.connection(), Connection::Waiting { .. }),
        "there was a network after all"
    );
}

#[test]
fn nobody_hurries_a_server_that_asked_for_time() {
    let mut rig = Rig::live();
    let error = json!({"code": "limit_exceeded", "message": "…", "retry_after_ms": 30_000});
    rig.frame("goodbye", json!({"action": "retry", "error": error}));
    rig.text("41");
    for early in [Input::Visible(true), Input::Network(true)] {
        rig.input(early);
    }
    rig.input(Input::Network(false));
    rig.now = 10_000;
    rig.input(Input::Network(true));
    assert_eq!(rig.opened, 1);
    assert!(matches!(
        rig.session.connection(),
        Connection::Waiting { until: 30_000, .. }
    ));
    rig.wait();
    assert_eq!((rig.opened, rig.now), (2, 30_000));
}

#[test]
fn a_sign_in_that_ends_is_tried_once_more_and_a_refused_one_is_not() {
    let mut rig = Rig::live();
    let error = json!({"code": "unauthorized", "message": "…"});
    rig.frame("goodbye", json!({"action": "sign_in", "error": error}));
    rig.text("41");
    rig.wait();
    assert_eq!(rig.opened, 2, "the cookie may have been renewed");
    rig.text(r#"44{"message":"unauthorized: …"}"#);
    assert!(matches!(rig.session.connection(), Connection::Stopped(_)));
}

#[test]
fn a_halted_session_wants_nothing_and_keeps_nobody_waiting() {
    let mut rig = Rig::with_tokens();
    rig.listen(Some(4));
    rig.session.set_invisible(rig.now, true);
    rig.session.halt();
    rig.token(given("late"));
    assert_eq!(rig.seen, ["token?", "Lost"]);
    assert_eq!(rig.opened, 0);
    assert_eq!(*rig.session.connection(), Connection::Idle);
    assert_eq!(rig.session.deadline(rig.now), None);
    assert!(rig.session.view(&board()).is_none());
}

#[test]
fn c5_a_page_that_comes_back_counts_on_from_the_one_that_took_its_place() {
    let mut rig = Rig::live();
    rig.input(Input::Closed);
    rig.input(Input::Start);
    assert_eq!(rig.session.auth().incarnation, 2);
    rig.session.count_on_from(9);
    assert_eq!(rig.session.auth().incarnation, 10);
    rig.session.count_on_from(3);
    assert_eq!(rig.session.auth().incarnation, 10, "never back");
    rig.take_sent();
    rig.shake_hands();
    let sent = rig.take_sent();
    assert!(sent[0].contains(r#""incarnation":10"#), "{sent:?}");
}
