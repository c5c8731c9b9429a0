//! How a script ends whose server kept to the protocol: everything comes right.

use leptos_realtime::core::{
    session::{Connection, Input},
    view::ViewState,
};

use super::{room::ServerRoom, texts::Times, world::World};

/// The most steps that it takes, many more than are needed.
const MOST_STEPS: usize = 20_000;

/// Longer than a server of this world lets a session wait for a room, unless it means for ever.
const PATIENCE_MS: u64 = 60_000;

impl World {
    /// Lets the session connect and the server answer, and looks at what each shows at the end.
    pub(super) fn settle(&mut self) {
        self.come_to_rest();
        // A frame that was lost is noticed with the next one.
        for room in 0..self.rooms.len() as u64 {
            self.change(room, |room| room.publish(1));
        }
        self.come_to_rest();
        assert!(
            self.requests.is_empty(),
            "{:?} are not answered",
            self.requests
        );
        for room in &self.rooms {
            let view = self.session.view(&room.id);
            if let Some(view) = view.filter(|view| view.state == ViewState::Live) {
                assert_eq!(Some(view), room.view().as_ref(), "{} at the end", room.id);
                assert_eq!(view.position, Some(room.head()), "{} at its end", room.id);
                // What is watched in a room that is about to be left waits for the room's next use.
                if room.uses > 0 {
                    assert_eq!(room.watched(), room.to_watch, "whom {} shows", room.id);
                }
            }
            assert!(!self.is_left_behind(room), "{} is not left", room.id);
        }
    }

    fn come_to_rest(&mut self) {
        let started = self.now;
        for _ in 0..MOST_STEPS {
            if !self.tokens_wanted.is_empty() {
                self.token(true);
                continue;
            }
            match self.session.connection() {
                Connection::Idle | Connection::Stopped(_) => self.input(Input::Start),
                Connection::Offline => self.input(Input::Network(true)),
                Connection::Connecting { .. } => self.handshake(Times::pick(0)),
                Connection::Waiting { .. } => self.wait(),
                Connection::Live if !self.commands.is_empty() => self.take_command(0),
                Connection::Live => {
                    // What was asked for between two inputs goes out with the next one.
                    self.tick();
                    let idle = self.commands.is_empty() && self.tokens_wanted.is_empty();
                    let done =
                        self.is_in_step() && !self.rooms.iter().any(|of| self.is_left_behind(of));
                    if idle && (done || self.now > started + PATIENCE_MS) {
                        return;
                    }
                    if idle {
                        self.text("2");
                        self.wait();
                    }
                }
                unknown => panic!("{unknown:?} is looked at nowhere"),
            }
        }
        panic!("the session does not come to rest");
    }

    /// Whether others see the session in a room that its page does not use any more.
    fn is_left_behind(&self, room: &ServerRoom) -> bool {
        room.is_shown() && self.session.view(&room.id).is_none()
    }

    /// Whether each room in use is live, or refused.
    fn is_in_step(&self) -> bool {
        let views = self.rooms.iter();
        let mut views = views.filter_map(|room| self.session.view(&room.id));
        views.all(|view| matches!(view.state, ViewState::Live | ViewState::Refused(_)))
    }
}
