//! The session against a server written out by hand.

use serde_json::{Value, json};

use super::*;
use crate::protocol::{Epoch, Outcome};

const EPOCH: &str = "00000000000000aa";

struct Rig {
    session: Session,
    now: u64,
    sent: Vec<String>,
    seen: Vec<String>,
    opened: usize,
}

impl Rig {
    fn new() -> Self {
        let auth = Auth {
            session: Some("tab".try_into().unwrap()),
            ..Auth::default()
        };
        let session = Session::new(SessionConfig::default(), auth);
        Self {
            session,
            now: 0,
            sent: vec![],
            seen: vec![],
            opened: 0,
        }
    }

    fn live() -> Self {
        let mut rig = Self::new();
        rig.input(Input::Start);
        rig.shake_hands();
        rig
    }

    fn input(&mut self, input: Input<'_>) {
        self.session.handle(self.now, 77, input);
        self.pump();
    }

    fn pump(&mut self) {
        while let Some(output) = self.session.poll() {
            match output {
                Output::Open => self.opened += 1,
                Output::Send(text) => self.sent.push(text),
                Output::Event(_, position, event) => {
                    assert_eq!(position.seq, event.seq);
                    self.seen.push(event.data.get().to_owned());
                }
                Output::Reset(_, position) => self.seen.push(format!("reset {}", position.seq)),
                Output::Close => self.sent.push("close".into()),
                Output::NeedToken => self.seen.push("token?".into()),
                Output::Signal(signal) => self.seen.push(format!("signal {}", signal.data)),
                Output::Answered(_, answer) => self.seen.push(format!("{answer:?}")),
                Output::Connection | Output::View(_) => {}
            }
        }
    }

    fn shake_hands(&mut self) {
        self.input(Input::Opened);
        self.text(
            r#"0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1}"#,
        );
        self.text(r#"40{"sid":"y"}"#);
        self.frame(
            "welcome",
            json!({"protocol":1,"session":"tab","user":null,"typing_repeat_ms":2500}),
        );
    }

    fn text(&mut self, text: &str) {
        self.input(Input::Received(text));
    }

    fn frame(&mut self, name: &str, payload: Value) {
        self.text(&format!("42{}", json!([name, payload])));
    }

    fn joined(&mut self, outcome: Outcome, epoch: &str, seq: u64, frame: u64, events: &[u64]) {
        self.frame(
            "joined",
            json!({"room":"board:7","outcome":outcome,"position":{"epoch":epoch,"seq":seq},"frame":frame,
                "events": events.iter().map(|seq| event(*seq)).collect::<Vec<_>>(),"members":[],"guests":0}),
        );
    }

    fn room(&mut self, frame: u64, events: &[u64]) {
        let events: Vec<_> = events.iter().map(|seq| event(*seq)).collect();
        self.frame(
            "room",
            json!({"room":"board:7","frame":frame,"events":events}),
        );
    }

    fn take_sent(&mut self) -> Vec<String> {
        std::mem::take(&mut self.sent)
    }

    fn listen(&mut self, since: Option<u64>) -> ListenerId {
        let since = since.map(|seq| Position {
            epoch: Epoch(0xaa),
            seq,
        });
        self.session.acquire(&board(), None);
        let id = self.session.listen(&board(), since).unwrap();
        self.input(Input::Tick);
        id
    }
}

fn board() -> RoomId {
    "board:7".parse().unwrap()
}

fn event(seq: u64) -> Value {
    json!({"seq":seq,"id":format!("e{seq}"),"at":0,"data":seq})
}

fn join(ack: u64, since: Option<u64>) -> String {
    match since {
        Some(seq) => {
            format!(
                r#"42{ack}["join",{{"rooms":[{{"room":"board:7","since":{{"epoch":"{EPOCH}","seq":{seq}}}}}]}}]"#
            )
        }
        None => format!(r#"42{ack}["join",{{"rooms":[{{"room":"board:7"}}]}}]"#),
    }
}

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
        ("unauthorized", "sign_in", true),
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
    rig.now = rig.session.deadline(rig.now).unwrap();
    rig.input(Input::Tick);
    assert_eq!(rig.take_sent(), [r#"42["leave",{"rooms":["board:7"]}]"#]);
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

#[test]
fn without_a_network_nothing_is_tried_and_with_one_it_is_at_once() {
    let mut rig = Rig::live();
    rig.input(Input::Network(false));
    assert_eq!(*rig.session.connection(), Connection::Offline);
    assert_eq!(rig.session.deadline(rig.now), None, "nothing is due");
    rig.now += 3_600_000;
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
fn a_token_is_asked_for_before_each_connect_and_before_the_sign_in_expires() {
    let config = SessionConfig {
        asks_for_token: true,
        ..SessionConfig::default()
    };
    let mut rig = Rig::new();
    rig.session = Session::new(config, Auth::default());
    rig.input(Input::Start);
    assert_eq!(
        (rig.seen.as_slice(), rig.opened),
        (&["token?".to_owned()][..], 0)
    );
    rig.input(Input::Token(Some("one".into())));
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
    rig.input(Input::Token(Some("two".into())));
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
    rig.input(Input::Token(Some("three".into())));
    rig.text(
        r#"0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1}"#,
    );
    rig.text(r#"44{"message":"unauthorized: …"}"#);
    assert!(matches!(rig.session.connection(), Connection::Stopped(_)));
}

#[test]
fn a_heartbeat_says_what_is_shown_and_tells_how_long_the_way_is() {
    let mut rig = Rig::live();
    let welcome = json!({"protocol": 1, "session": "x", "user": null, "typing_repeat_ms": 2_500,
        "heartbeat_ms": 25_000, "idle_ms": 300_000, "hidden_ms": 30_000});
    rig.frame("welcome", welcome);
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
