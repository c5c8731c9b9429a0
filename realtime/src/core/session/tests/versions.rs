//! Servers that are newer than the page.

use super::*;

fn welcome_of(rig: &mut Rig, build: &str) {
    rig.input(Input::Opened);
    rig.text(
        r#"0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1}"#,
    );
    rig.text(r#"40{"sid":"y"}"#);
    rig.frame(
        "welcome",
        json!({"protocol":1,"session":"tab","user":null,"typing_repeat_ms":2500,"build":build,"moons":2}),
    );
}

fn news(rig: &Rig) -> Option<&str> {
    rig.session.builds().news().map(|build| build.as_str())
}

/// The connection is lost, and opened again.
fn again(rig: &mut Rig) {
    rig.input(Input::Closed);
    rig.wait();
}

#[test]
fn what_a_newer_server_says_is_skipped_and_what_follows_is_heard() {
    let mut rig = Rig::live();
    rig.listen(None);
    rig.joined(Outcome::Fresh, EPOCH, 4, 1, &[]);
    rig.take_sent();
    for text in [
        r#"42["hologram",{"room":"board:7"}]"#,
        r#"42["hologram"]"#,
        r#"42["hologram",[],7]"#,
        r#"429["room",{"room":"board:7","frame":2,"events":[],"moons":[1]}]"#,
        r#"4399[{"ok":true}]"#,
        r#"42["error",{"code":"too_blue","message":"…"}]"#,
        r#"42["signal",{"room":"board:7","data":{"wave":1},"to":"all"}]"#,
    ] {
        rig.text(text);
    }
    rig.room(3, &[5]);
    assert_eq!(rig.seen, [r#"signal {"wave":1}"#, "5"]);
    assert_eq!(rig.take_sent(), [""; 0], "nothing is asked anew");
    assert_eq!(*rig.session.connection(), Connection::Live);
}

#[test]
fn a_page_of_another_build_is_served_and_tells_the_server_its_own() {
    let mut rig = Rig::new();
    rig.session = Session::new(
        SessionConfig::default(),
        Auth {
            build: "a".try_into().ok(),
            ..Auth::default()
        },
    );
    rig.input(Input::Start);
    welcome_of(&mut rig, "a");
    assert!(rig.take_sent()[0].contains(r#""build":"a""#));
    assert_eq!(news(&rig), None);
    again(&mut rig);
    welcome_of(&mut rig, "b");
    let sent = rig.take_sent();
    assert!(
        sent[0].contains(r#""build":"a""#),
        "its own, still: {sent:?}"
    );
    assert_eq!(news(&rig), Some("b"));
    assert_eq!(*rig.session.connection(), Connection::Live);
}

#[test]
fn a_page_that_does_not_know_its_build_takes_the_first_it_is_told() {
    let mut rig = Rig::new();
    rig.input(Input::Start);
    welcome_of(&mut rig, "a");
    assert!(!rig.take_sent()[0].contains("build"));
    again(&mut rig);
    welcome_of(&mut rig, "b");
    assert!(rig.take_sent()[0].contains(r#""build":"a""#));
    assert_eq!(news(&rig), Some("b"));
}

#[test]
fn a_server_that_cannot_be_understood_is_not_asked_for_ever() {
    let mut rig = Rig::new();
    rig.input(Input::Start);
    for _ in 0..2 {
        rig.shake_hands();
        rig.frame("room", json!({"room": {"kind": "board", "id": 7}}));
        assert!(matches!(
            rig.session.connection(),
            Connection::Waiting { .. }
        ));
        rig.wait();
    }
    rig.shake_hands();
    rig.frame("room", json!({"room": {"kind": "board", "id": 7}}));
    let Connection::Stopped(goodbye) = rig.session.connection() else {
        panic!("{:?}", rig.session.connection())
    };
    assert_eq!(goodbye.action, CloseAction::Reload);
}

#[test]
fn a_good_connection_in_between_ends_a_row_of_those_that_cannot_be_read() {
    let mut rig = Rig::new();
    rig.input(Input::Start);
    for _ in 0..10 {
        rig.shake_hands();
        rig.frame("room", json!({"room": 7}));
        rig.wait();
        rig.shake_hands();
        rig.now += SessionConfig::default().settled_ms;
        rig.input(Input::Closed);
        assert!(matches!(
            rig.session.connection(),
            Connection::Waiting { .. }
        ));
        rig.wait();
    }
}

#[test]
fn what_cannot_be_read_now_and_then_only_costs_a_reconnect() {
    let mut rig = Rig::new();
    rig.input(Input::Start);
    for _ in 0..10 {
        rig.shake_hands();
        rig.now += SessionConfig::default().settled_ms;
        rig.frame("room", json!({"room": 7}));
        assert!(matches!(
            rig.session.connection(),
            Connection::Waiting { .. }
        ));
        rig.wait();
    }
}
