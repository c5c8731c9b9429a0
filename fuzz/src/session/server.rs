//! The server: it accepts connections, takes commands in order, and tells of what happens in its rooms.

use leptos_realtime::{
    ProtocolError, RoomId,
    core::session::Connection,
    protocol::{ClientCommand, Seen},
};

use super::{
    manners,
    room::ServerRoom,
    texts::{self, ME, Times},
    world::World,
};
use crate::said::Said;

impl World {
    /// Accepts the connection, where there is one to accept.
    pub(super) fn handshake(&mut self, times: Times) {
        if !self.is_open || *self.session.connection() == Connection::Live {
            return;
        }
        let opened = self.opened;
        for text in texts::handshake(times, self.invisible) {
            if self.is_same(opened) {
                self.manners.welcomed(self.now, times);
                self.text(&text);
            }
        }
    }

    /// Something happens in a room, and the session is told.
    pub(super) fn change(&mut self, room: u64, change: impl FnOnce(&mut ServerRoom)) {
        let now = self.now;
        let room = self.room(room);
        room.expire(now);
        change(room);
        let said = room.flush();
        self.say_all(said);
    }

    pub(super) fn say_all(&mut self, said: impl IntoIterator<Item = Said>) {
        let opened = self.opened;
        for said in said {
            if self.is_same(opened) {
                self.say(&said);
            }
        }
        self.check();
    }

    /// Says what no server should.
    pub(super) fn say_anything(&mut self, said: Said) {
        if self.is_open {
            self.honest = false;
            self.say(&said);
        }
    }

    /// Takes the session's next command: does it, or refuses it with an error.
    pub(super) fn take_command(&mut self, code: u64) {
        // It counts as asked for until all of it is done.
        let Some((ack, command)) = self.commands.front().cloned() else {
            return;
        };
        let opened = self.opened;
        let refusable = !matches!(command, ClientCommand::Typing { .. } | ClientCommand::Bye);
        let code = if refusable { code } else { 0 };
        // A server that lets nobody leave for ever is none.
        let for_ever = texts::error(code).retry_after_ms == Some(u32::MAX);
        let failed = match (code, &command) {
            (0, _) => self.carry_out(&command),
            (_, ClientCommand::Leave(_)) if for_ever => self.carry_out(&command),
            (code, _) => Some(code),
        };
        if !self.is_same(opened) {
            return;
        }
        match (failed.map(texts::error), &command) {
            (Some(error), ClientCommand::Join(joins)) => {
                let together = joins.len() > 1 && !manners::passes(&error);
                for join in joins {
                    self.note_refusal(&join.room, &error, together);
                }
            }
            (None, ClientCommand::Leave(_)) => self.manners.left(),
            _ => {}
        }
        match (ack, failed) {
            (Some(ack), failed) => self.acknowledge(ack, failed.unwrap_or_default()),
            (None, Some(code)) => self.text(&texts::failed(code)),
            (None, None) => {}
        }
        if self.is_same(opened) {
            self.commands.pop_front();
            self.check();
        }
    }

    /// Says what goes wrong, if something does.
    fn carry_out(&mut self, command: &ClientCommand) -> Option<u64> {
        const NOT_JOINED: u64 = 7;
        match command {
            ClientCommand::Join(joins) => {
                let invisible = self.invisible;
                for join in joins {
                    let said = self.named(&join.room)?.join(join, invisible);
                    self.say_all(said);
                }
            }
            ClientCommand::Leave(rooms) => {
                for room in rooms {
                    self.named(room)?.leave();
                }
            }
            ClientCommand::Typing { room, on } => {
                let now = self.now;
                let room = self.named(room)?;
                room.typing(now, ME, *on);
                let said = room.flush();
                self.say_all(said);
            }
            ClientCommand::Signal { room, .. } => {
                return (!self.named(room)?.is_shown()).then_some(NOT_JOINED);
            }
            ClientCommand::Heartbeat { rooms, .. } => self.compare(rooms),
            ClientCommand::Status { invisible } => self.hide(*invisible),
            ClientCommand::Refresh { .. } => self.text(&texts::refreshed(Some(300_000))),
            _ => {}
        }
        None
    }

    /// Nothing diverges from a server that keeps to the protocol: what was sent is what is shown.
    fn compare(&mut self, seen: &[Seen]) {
        for seen in seen.iter().filter(|_| self.honest) {
            let room = self.rooms.iter().find(|room| room.id == seen.room);
            let sent = room.and_then(|room| room.digest_at(seen.frame));
            assert!(sent.is_none_or(|sent| sent == seen.digest), "{seen:?}");
        }
    }

    fn hide(&mut self, invisible: bool) {
        self.invisible = invisible;
        let opened = self.opened;
        self.text(&texts::status(invisible));
        for room in 0..self.rooms.len() {
            self.rooms[room].hide(invisible);
            let said = self.rooms[room].flush();
            if self.is_same(opened) {
                self.say_all(said);
            }
        }
    }

    pub(super) fn acknowledge(&mut self, id: u64, code: u64) {
        self.acknowledgement(&texts::ack(id, code));
    }

    /// Does not let the session see a room, or no more.
    pub(super) fn refuse(&mut self, room: u64, code: u64) {
        let room = self.room(room);
        room.leave();
        let (room, error) = (room.id.clone(), texts::error(code));
        if self.is_live() {
            self.note_refusal(&room, &error, false);
        }
        self.text(&texts::refused(&room, error));
    }

    /// The session is not to ask for the room again at once, and where it is refused for good, not at all. What the page
    /// has left meanwhile is nothing to the session.
    fn note_refusal(&mut self, room: &RoomId, error: &ProtocolError, together: bool) {
        if self.session.view(room).is_none() {
            return;
        }
        match (together, self.is_flushed) {
            (true, _) => self.manners.refused_together(room),
            (false, true) => self.manners.refused(self.now, room, error),
            // What the page asked for just now goes out with this very input.
            (false, false) => self.manners.asked_meanwhile(room),
        }
    }

    /// Whether the transport is still the one it was.
    fn is_same(&self, opened: u64) -> bool {
        self.is_open && self.opened == opened
    }

    pub(super) fn named(&mut self, room: &RoomId) -> Option<&mut ServerRoom> {
        self.rooms.iter_mut().find(|known| known.id == *room)
    }
}
