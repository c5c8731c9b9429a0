//! The session against a server written out by hand.

mod connection;
mod events;
mod requests;
mod rooms;
mod versions;

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
    tokens_asked: Vec<TokenRequest>,
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
            tokens_asked: vec![],
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
                    assert!(event.seq == 0 || position.seq == event.seq);
                    self.seen.push(event.data.get().to_owned());
                }
                Output::Reset(_, position) => self.seen.push(format!("reset {}", position.seq)),
                Output::Close => self.sent.push("close".into()),
                Output::NeedToken(request) => {
                    self.seen.push("token?".into());
                    self.tokens_asked.push(request);
                }
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
        let events = events.iter().map(|seq| event(*seq)).collect();
        self.joined_with(outcome, epoch, seq, frame, events);
    }

    fn joined_with(
        &mut self,
        outcome: Outcome,
        epoch: &str,
        seq: u64,
        frame: u64,
        events: Vec<Value>,
    ) {
        self.frame(
            "joined",
            json!({"room":"board:7","outcome":outcome,"position":{"epoch":epoch,"seq":seq},"frame":frame,
                "events":events,"members":[],"guests":0}),
        );
    }

    fn room(&mut self, frame: u64, events: &[u64]) {
        let events: Vec<_> = events.iter().map(|seq| event(*seq)).collect();
        self.frame(
            "room",
            json!({"room":"board:7","frame":frame,"events":events}),
        );
    }

    /// Shakes hands with a server that wants to know who is away.
    fn welcome(&mut self) {
        self.frame(
            "welcome",
            json!({"protocol": 1, "session": "x", "user": null, "typing_repeat_ms": 2_500,
                "heartbeat_ms": 25_000, "idle_ms": 300_000, "hidden_ms": 30_000}),
        );
    }

    /// A session that has tokens, and has asked for its first.
    fn with_tokens() -> Self {
        let mut rig = Self::new();
        let config = SessionConfig {
            asks_for_token: true,
            ..SessionConfig::default()
        };
        rig.session = Session::new(config, Auth::default());
        rig.input(Input::Start);
        rig
    }

    /// Answers the newest question for a token.
    fn token(&mut self, token: Token) {
        let request = *self.tokens_asked.last().unwrap();
        self.input(Input::Token(request, token));
    }

    /// Time passes until something is due.
    fn wait(&mut self) {
        self.now = self.session.deadline(self.now).unwrap();
        self.input(Input::Tick);
    }

    /// Uses the board, without a listener.
    fn use_board(&mut self) {
        self.session.acquire(&board(), None);
        self.input(Input::Tick);
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

fn given(token: &str) -> Token {
    Token::Given(token.to_owned())
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
