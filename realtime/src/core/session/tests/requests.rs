//! What is asked of the shell and of the server.

use super::*;

#[test]
fn a_token_is_asked_for_before_each_connect_and_before_the_sign_in_expires() {
    let mut rig = Rig::with_tokens();
    assert_eq!(
        (rig.seen.as_slice(), rig.opened),
        (&["token?".to_owned()][..], 0)
    );
    rig.token(given("one"));
    assert_eq!(rig.opened, 1);
    rig.shake_hands();
    assert!(rig.take_sent()[0].contains(r#""token":"one""#));
    let welcome = json!({"protocol": 1, "session": "x", "user": null, "typing_repeat_ms": 2_500, "expires_in_ms": 600_000});
    rig.frame("welcome", welcome);
    assert_eq!(
        rig.session.deadline(rig.now),
        Some(45_000),
        "silence comes first"
    );
    rig.now = 540_000;
    rig.text("2");
    rig.input(Input::Tick);
    assert_eq!(rig.seen.len(), 2, "a minute before the end");
    rig.take_sent();
    rig.token(given("two"));
    assert_eq!(rig.take_sent(), [r#"420["refresh",{"token":"two"}]"#]);
    rig.frame("refreshed", json!({"expires_in_ms": 600_000}));
    rig.text(r#"430[{"ok":true}]"#);
    rig.now = 1_080_000;
    rig.text("2");
    rig.input(Input::Tick);
    assert_eq!(rig.seen.len(), 3, "and before the next");
    // Where the refresh did not come in time, it is tried with a new token, once.
    let error = json!({"code": "unauthorized", "message": "…"});
    rig.frame("goodbye", json!({"action": "sign_in", "error": error}));
    rig.text("41");
    rig.now = rig.session.deadline(rig.now).unwrap();
    rig.input(Input::Tick);
    rig.token(given("three"));
    rig.text(
        r#"0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1}"#,
    );
    rig.text(r#"44{"message":"unauthorized: …"}"#);
    assert!(matches!(rig.session.connection(), Connection::Stopped(_)));
}

#[test]
fn a_heartbeat_says_what_is_shown_and_tells_how_long_the_way_is() {
    let mut rig = Rig::live();
    rig.welcome();
    rig.session.acquire(&board(), None);
    rig.input(Input::Tick);
    rig.joined(Outcome::Fresh, EPOCH, 4, 7, &[]);
    rig.take_sent();
    rig.now = rig.session.deadline(rig.now).unwrap();
    rig.input(Input::Tick);
    let digest = rig.session.view(&board()).unwrap().digest();
    let heartbeat = format!(
        r#"421["heartbeat",{{"active":true,"rooms":[{{"room":"board:7","frame":7,"digest":"{digest}"}}]}}]"#
    );
    assert_eq!(rig.take_sent(), [heartbeat]);
    rig.now += 42;
    rig.text(r#"431[{"ok":true}]"#);
    assert_eq!(rig.session.latency_ms(), Some(42));
    rig.input(Input::Visible(false));
    rig.now += 30_000;
    rig.text("2");
    rig.input(Input::Tick);
    let sent = rig.take_sent();
    assert!(
        sent.iter().any(|text| text.contains(r#""active":false"#)),
        "{sent:?}"
    );
}

#[test]
fn a_request_without_an_answer_is_lost_with_its_connection_and_when_it_takes_too_long() {
    let mut rig = Rig::live();
    rig.session.set_invisible(rig.now, true);
    rig.input(Input::Tick);
    assert_eq!(
        rig.take_sent().last().unwrap(),
        r#"420["status",{"invisible":true}]"#
    );
    rig.input(Input::Closed);
    assert_eq!(rig.seen, ["Lost"]);
    rig.session.set_invisible(rig.now, true);
    rig.now = rig.session.deadline(rig.now).unwrap();
    rig.input(Input::Tick);
    rig.shake_hands();
    let ack = rig.take_sent().last().unwrap()[2..3].to_owned();
    rig.text(&format!(
        r#"43{ack}[{{"error":{{"code":"unauthorized","message":"no"}}}}]"#
    ));
    assert!(rig.seen[1].starts_with("Rejected"), "{:?}", rig.seen);
    rig.session.set_invisible(rig.now, true);
    rig.input(Input::Tick);
    rig.now += REQUEST_TIMEOUT_MS;
    rig.input(Input::Tick);
    assert_eq!(rig.seen[2], "Lost");
}

fn expires_in(ms: u64) -> Value {
    json!({"protocol": 1, "session": "x", "user": null, "typing_repeat_ms": 2_500, "expires_in_ms": ms})
}

#[test]
fn a_token_that_comes_too_late_for_its_question_is_not_anothers_answer() {
    let mut rig = Rig::with_tokens();
    rig.token(given("ada"));
    rig.shake_hands();
    rig.frame("welcome", expires_in(40_000));
    rig.now = 30_000;
    rig.input(Input::Tick);
    // Ada signs out and Bob signs in, while the question for a newer token of hers is open.
    rig.session.bye();
    rig.input(Input::Start);
    assert_eq!(rig.tokens_asked.len(), 3);
    rig.take_sent();
    let hers = rig.tokens_asked[1];
    rig.input(Input::Token(hers, given("ada")));
    assert_eq!(rig.opened, 1);
    rig.token(given("bob"));
    assert_eq!(rig.opened, 2);
    rig.shake_hands();
    let sent = rig.take_sent();
    assert!(sent[0].contains("bob"), "{sent:#?}");
}

#[test]
fn a_token_that_cannot_be_had_makes_nobody_a_guest() {
    let mut rig = Rig::with_tokens();
    rig.token(Token::Failed);
    assert_eq!(rig.opened, 0);
    assert!(matches!(
        rig.session.connection(),
        Connection::Waiting { attempt: 1, .. }
    ));
    rig.wait();
    rig.token(Token::Absent);
    assert_eq!(rig.opened, 1, "who has none is a guest");
}

#[test]
fn a_refresh_that_does_not_work_is_tried_again_while_there_is_time() {
    let mut rig = Rig::with_tokens();
    rig.token(given("one"));
    rig.shake_hands();
    rig.frame("welcome", expires_in(40_000));
    rig.wait();
    assert_eq!((rig.tokens_asked.len(), rig.now), (2, 30_000));
    rig.token(Token::Failed);
    rig.wait();
    assert_eq!(rig.tokens_asked.len(), 3);
    assert!((35_000..40_000).contains(&rig.now));
    rig.take_sent();
    rig.token(given("two"));
    rig.text(r#"430[{"error":{"code":"unavailable","message":"…"}}]"#);
    rig.now += 10_000;
    rig.text("2");
    rig.input(Input::Tick);
    assert_eq!(rig.tokens_asked.len(), 4);
}

#[test]
fn whoever_is_away_says_so_at_once_on_a_new_connection() {
    let mut rig = Rig::live();
    rig.welcome();
    rig.input(Input::Visible(false));
    rig.now += 400_000;
    rig.input(Input::Closed);
    rig.input(Input::Start);
    rig.take_sent();
    rig.shake_hands();
    rig.welcome();
    let sent = rig.take_sent();
    assert!(sent[0].contains(r#""active":false"#), "{sent:?}");
    assert!(sent.iter().any(|s| s.contains("heartbeat")), "{sent:?}");
}

#[test]
fn a_signal_that_was_not_sent_is_lost_with_the_connection() {
    let mut rig = Rig::live();
    let signal = serde_json::value::to_raw_value(&1).unwrap();
    rig.session.signal(rig.now, &board(), signal);
    rig.session.set_invisible(rig.now, true);
    rig.input(Input::Closed);
    assert_eq!(rig.seen, ["Lost"], "a signal is of the moment");
    rig.now = rig.session.deadline(rig.now).unwrap();
    rig.input(Input::Tick);
    rig.shake_hands();
    let sent = rig.take_sent();
    assert!(sent.last().unwrap().contains(r#"["status","#), "{sent:?}");
    assert!(!sent.iter().any(|text| text.contains("signal")), "{sent:?}");
}

#[test]
fn an_answer_that_cannot_be_read_says_nothing() {
    for answer in ["[]", "[1]", r#"[{"error":{"code":7}}]"#, "["] {
        let mut rig = Rig::live();
        rig.session.set_invisible(rig.now, true);
        rig.input(Input::Tick);
        rig.text(&format!("430{answer}"));
        assert_eq!(rig.seen, ["Lost"], "{answer}");
    }
}
