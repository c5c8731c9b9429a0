//! A client in the hall, and what it was told.

use std::net::SocketAddr;

use leptos_realtime::{
    Room,
    core::{
        session::{ListenerId, Output, Session, SessionConfig},
        view::RoomView,
    },
    protocol::{Announcements, Auth, SessionId},
};
use serde::Deserialize;

use super::{
    HALL, Result,
    common::client::{self, Witness, micros},
    heard::Heard,
};

pub type Client = client::Client<Reader>;
pub type State = client::State<Reader>;

/// How a message begins that shows the whole room.
const SHOWN: &str = r#"42["joined",{"room":"hall:1""#;

/// What happened to a client.
pub struct Reader {
    hall_listener: Option<ListenerId>,
    /// When the last message came, in microseconds of the machine's clock.
    received_at: u64,
    pub heard: Heard,
    /// The announcements it was told.
    pub announced: Vec<u32>,
    /// How many times it was shown the whole room.
    pub shown: u32,
}

/// What is read of an event.
#[derive(Deserialize)]
struct Head {
    number: u32,
    at: u64,
}

/// The name of a client, which is its person's, too.
pub fn name(number: usize) -> String {
    format!("person-{number:05}")
}

/// A client that connects, as a person of its own.
pub fn connect(address: SocketAddr, number: usize, slow: bool) -> Result<Client> {
    let auth = Auth {
        token: Some(name(number)),
        session: Some(SessionId::try_from(format!("session-{number:05}"))?),
        ..Auth::default()
    };
    let mut session = Session::new(SessionConfig::default(), auth);
    let (hall, announcements) = (HALL.room_id(), Announcements::id());
    for room in [&hall, &announcements] {
        session.acquire(room, None);
    }
    let hall_listener = session.listen(&hall, None);
    session.listen(&announcements, None);
    let reader = Reader {
        hall_listener,
        received_at: 0,
        heard: Heard::default(),
        announced: Vec::new(),
        shown: 0,
    };
    Ok(Client::connect(address, session, reader, slow))
}

impl Witness for Reader {
    fn received(&mut self, text: &str) {
        self.received_at = micros();
        self.shown += u32::from(text.starts_with(SHOWN));
    }

    fn told(&mut self, _session: &Session, output: Output) {
        match output {
            Output::Event(listener, _, event) => {
                if Some(listener) != self.hall_listener {
                    self.announced.extend(event.data.get().parse::<u32>());
                } else if let Ok(head) = serde_json::from_str::<Head>(event.data.get()) {
                    let latency = self.received_at.saturating_sub(head.at);
                    self.heard.event(head.number, latency);
                }
            }
            Output::Reset(listener, _) if Some(listener) == self.hall_listener => {
                self.heard.reset();
            }
            _ => {}
        }
    }
}

impl State {
    /// The room as it is shown to the client.
    pub fn view(&self) -> Option<&RoomView> {
        self.session().view(&HALL.room_id())
    }

    /// Whether both rooms are in step with the server.
    pub fn is_live(&self) -> bool {
        let session = self.session();
        session.is_live(&HALL.room_id()) && session.is_live(&Announcements::id())
    }
}
