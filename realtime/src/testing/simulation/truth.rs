//! What everybody should see, kept apart from all that is tested.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio::time::Instant;

use super::{Community, Simulated};
use crate::{
    core::{session::Connection, view::ViewState},
    protocol::{Epoch, Member, Position, Room, RoomId, Status},
    testing::TestClient,
};

/// By then a loss has been found in every room that is served.
const FOUND: Duration = Duration::from_secs(15);

/// See the [module](self).
#[derive(Default)]
pub(super) struct Truth {
    clients: Vec<Tab>,
    hidden: BTreeSet<String>,
    closed: BTreeSet<(String, RoomId)>,
    /// Every event, in its room's order: its epoch's place in time, its number there, and what it says.
    events: BTreeMap<RoomId, Vec<(Epoch, u64, u64)>>,
    /// Every event that somebody tried to publish, with its room, when it was, and what became of it.
    tried: BTreeMap<u64, (RoomId, Instant, Tried)>,
    /// When the broker lost something last.
    lost: Option<Instant>,
    next_event: u64,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tried {
    /// It got its place at once: everyone is to hear it.
    Placed,
    /// A node keeps it until it can be placed: everyone is to hear it as well, unless that node dies.
    Kept(usize),
    /// Nobody knows whether it was published.
    Unknown,
}

struct Tab {
    name: Option<String>,
    rooms: BTreeSet<RoomId>,
    /// After how many events of a room it began to listen to it anew.
    begun: BTreeMap<RoomId, BTreeSet<usize>>,
    visible: bool,
}

/// A person, as far as the truth is known: name, status, and where they are.
type Seen = BTreeMap<String, (Status, Vec<RoomId>)>;

impl Truth {
    pub(super) fn arrive(&mut self, name: Option<String>) {
        self.clients.push(Tab {
            name,
            rooms: BTreeSet::new(),
            begun: BTreeMap::new(),
            visible: true,
        });
    }

    /// A client joins a room, having heard so many of its events before. False where it is in it.
    pub(super) fn join(&mut self, client: usize, room: &RoomId, heard: usize) -> bool {
        let tab = &mut self.clients[client];
        let joins = tab.rooms.insert(room.clone());
        if joins {
            tab.begun.entry(room.clone()).or_default().insert(heard);
        }
        joins
    }

    pub(super) fn leave(&mut self, client: usize, room: &RoomId) -> bool {
        self.clients[client].rooms.remove(room)
    }

    pub(super) fn look(&mut self, client: usize, visible: bool) {
        self.clients[client].visible = visible;
    }

    pub(super) fn hide(&mut self, name: &str, hides: bool) {
        match hides {
            true => self.hidden.insert(name.to_owned()),
            false => self.hidden.remove(name),
        };
    }

    pub(super) fn allow(&mut self, name: &str, room: &RoomId, open: bool) {
        let key = (name.to_owned(), room.clone());
        match open {
            true => self.closed.remove(&key),
            false => self.closed.insert(key),
        };
    }

    pub(super) fn clients_of(&self, name: &str) -> Vec<usize> {
        let of_person = |(_, tab): &(usize, &Tab)| tab.name.as_deref() == Some(name);
        let tabs = self.clients.iter().enumerate().filter(of_person);
        tabs.map(|(number, _)| number).collect()
    }

    pub(super) fn next_event(&mut self) -> u64 {
        self.next_event += 1;
        self.next_event
    }

    pub(super) fn published(&mut self, room: &RoomId, number: u64, at: Position) {
        // Until a loss has been found, rooms begin anew with only some of what was published meanwhile.
        if self.lost.is_some_and(|lost| lost.elapsed() < FOUND) {
            return;
        }
        let events = self.events.entry(room.clone()).or_default();
        events.push((at.epoch, at.seq, number));
    }

    pub(super) fn tried(&mut self, room: &RoomId, number: u64, tried: Tried) {
        let now = || (room.clone(), Instant::now(), tried);
        self.tried.entry(number).or_insert_with(now).2 = tried;
    }

    /// A node has died: what it kept may be lost.
    pub(super) fn died(&mut self, node: usize) {
        for (_, _, tried) in self.tried.values_mut() {
            if *tried == Tried::Kept(node) {
                *tried = Tried::Unknown;
            }
        }
    }

    /// The broker has lost something: of the places that it gave out before, others may have them now.
    #[cfg_attr(
        not(feature = "simulated-redis"),
        allow(dead_code, reason = "memory loses nothing")
    )]
    pub(super) fn lost(&mut self) {
        self.lost = Some(Instant::now());
        self.events.clear();
        // An event that no node which lives has seen is gone without a trace.
        for (_, _, tried) in self.tried.values_mut() {
            if *tried == Tried::Placed {
                *tried = Tried::Unknown;
            }
        }
    }

    fn may_see(&self, tab: &Tab, room: &RoomId) -> bool {
        let name = tab.name.clone().unwrap_or_default();
        !self.closed.contains(&(name, room.clone()))
    }

    /// The rooms in which a tab is seen.
    fn is_in(&self, tab: &Tab, room: &RoomId) -> bool {
        let pinned = tab.name.is_some() && *room == Community(1).room_id();
        pinned || (tab.rooms.contains(room) && self.may_see(tab, room))
    }

    /// Everyone in a room whom others may see.
    fn people(&self, room: &RoomId) -> Seen {
        let mut people = Seen::new();
        let is_community = *room == Community(1).room_id();
        for tab in &self.clients {
            let Some(name) = &tab.name else { continue };
            if !self.is_in(tab, room) || self.hidden.contains(name) {
                continue;
            }
            let entry = people
                .entry(name.clone())
                .or_insert((Status::Away, Vec::new()));
            if tab.visible {
                entry.0 = Status::Online;
            }
            if is_community {
                let places = tab
                    .rooms
                    .iter()
                    .filter(|place| place.kind() == "board" && self.may_see(tab, place));
                entry.1.extend(places.cloned());
            }
        }
        for (_, places) in people.values_mut() {
            places.sort_unstable();
            places.dedup();
        }
        people
    }

    /// Compares what a client shows.
    pub(super) fn check(
        &self,
        number: usize,
        client: &TestClient,
        done: &mut Simulated,
    ) -> Result<(), String> {
        let tab = &self.clients[number];
        let who = format!("client {number} ({:?})", tab.name);
        if *client.connection() != Connection::Live {
            return Err(format!("{who} is {:?}", client.connection()));
        }
        for room in &tab.rooms {
            let at = format!("{who} in {room}");
            let view = client.view(room.clone());
            let view = view.ok_or_else(|| format!("{at} sees nothing"))?;
            if !self.may_see(tab, room) {
                match view.state {
                    ViewState::Refused(_) => continue,
                    _ => return Err(format!("{at} should not see it: {:?}", view.state)),
                }
            }
            if view.state != ViewState::Live {
                return Err(format!("{at} is {:?}", view.state));
            }
            let people = self.people(room);
            let shown: Vec<&Member> = view.members.values().collect();
            for member in &shown {
                let expected = people.get(&member.name);
                let places = member.at.iter().map(|place| place.room.clone()).collect();
                if expected != Some(&(member.status, places)) {
                    return Err(format!("{at}: {member:?} shown, {expected:?} true"));
                }
            }
            if view.count() != people.len() || (view.count.is_none() && shown.len() != people.len())
            {
                return Err(format!("{at}: {shown:?} shown, {people:?} true"));
            }
            let guests = self
                .clients
                .iter()
                .filter(|other| other.name.is_none() && self.is_in(other, room));
            let guests = guests.count() as u32;
            if view.guests != guests {
                return Err(format!("{at}: {} guests shown, {guests} true", view.guests));
            }
            if !view.typing.is_empty() {
                return Err(format!("{at}: {:?} types for ever", view.typing));
            }
            if let Some(name) = &tab.name
                && !view
                    .members_by_arrival()
                    .iter()
                    .any(|member| member.name == *name)
            {
                return Err(format!("{at} does not see themselves"));
            }
            let begun = tab.begun.get(room).cloned().unwrap_or_default();
            self.check_events(&at, room, client, &begun, done)?;
        }
        Ok(())
    }

    /// Each event at most once, and after the first one all that were published later, unless the listener was told to
    /// look again.
    fn check_once(
        &self,
        at: &str,
        room: &RoomId,
        client: &TestClient,
        begun: &BTreeSet<usize>,
    ) -> Result<(), String> {
        let events = client.events(room.clone());
        let (mut heard, mut from) = (BTreeSet::new(), None);
        for (place, (event, how)) in events.iter().zip(client.heard(room)).enumerate() {
            if begun.contains(&place) {
                heard.clear();
                from = None;
            }
            if event == "reset" {
                from = Some(how.at);
                continue;
            }
            let number: Option<u64> = event.parse().ok();
            let known = number.and_then(|number| Some((number, self.tried.get(&number)?)));
            let Some((number, (_, _, tried))) = known.filter(|(_, (of, _, _))| of == room) else {
                return Err(format!("{at}: {event} was never published"));
            };
            if !heard.insert(number) {
                let heard = told(room, client, begun);
                return Err(format!("{at}: {event} heard twice in {heard}"));
            }
            if *tried == Tried::Placed {
                from = from.or(Some(how.at));
            }
        }
        let Some(from) = from.filter(|_| !begun.contains(&events.len())) else {
            return Ok(());
        };
        let mut missing = self.tried.iter().filter(|(number, (of, then, tried))| {
            of == room && *tried != Tried::Unknown && *then > from && !heard.contains(number)
        });
        match missing.next() {
            Some((number, (_, _, tried))) => {
                let heard = told(room, client, begun);
                Err(format!("{at}: {number} ({tried:?}) was not heard: {heard}"))
            }
            None => Ok(()),
        }
    }

    /// Each event once and in order, or a reset.
    fn check_events(
        &self,
        at: &str,
        room: &RoomId,
        client: &TestClient,
        begun: &BTreeSet<usize>,
        done: &mut Simulated,
    ) -> Result<(), String> {
        let mut order: Vec<u64> = Vec::new();
        if let Some(events) = self.events.get(room) {
            let mut events = events.clone();
            // Epochs follow each other in the order in which their first event came.
            let mut epochs: Vec<Epoch> = Vec::new();
            for (epoch, _, _) in &events {
                if !epochs.contains(epoch) {
                    epochs.push(*epoch);
                }
            }
            events.sort_by_key(|(epoch, seq, _)| {
                (epochs.iter().position(|known| known == epoch), *seq)
            });
            order.extend(events.iter().map(|(_, _, number)| number));
        }
        self.check_once(at, room, client, begun)?;
        let place = |text: &String| {
            let number: u64 = text.parse().ok()?;
            order.iter().position(|known| *known == number)
        };
        let (mut last, mut heard): (Option<usize>, BTreeSet<u64>) = (None, BTreeSet::new());
        // What was heard before, in another life of the room, is not told again in this one.
        let next = |last: usize, heard: &BTreeSet<u64>| {
            let rest = order.iter().skip(last + 1);
            last + 1 + rest.take_while(|number| heard.contains(number)).count()
        };
        let events = client.events(room.clone());
        for (number, (event, how)) in events.iter().zip(client.heard(room)).enumerate() {
            if begun.contains(&number) {
                last = None;
                heard.clear();
            }
            if event == "reset" {
                done.resets += 1;
                last = None;
                continue;
            }
            let Some(here) = place(event) else {
                // Without a place that is known, it may come anywhere.
                done.delivered += 1;
                continue;
            };
            if how.is_provisional {
                // A node without Redis tells what was published there, and nothing else.
                heard.insert(order[here]);
                done.delivered += 1;
                continue;
            }
            if last.is_some_and(|last| here != next(last, &heard)) {
                let heard = told(room, client, begun);
                return Err(format!("{at}: {heard} heard, {order:?} published"));
            }
            done.delivered += 1;
            heard.insert(order[here]);
            last = Some(here);
        }
        if begun.contains(&client.events(room.clone()).len()) {
            return Ok(());
        }
        // Whoever hears of events at all has heard of the last one.
        match last {
            Some(last) if next(last, &heard) != order.len() => {
                let heard = told(room, client, begun);
                Err(format!("{at}: {heard} heard, {order:?} published"))
            }
            _ => Ok(()),
        }
    }
}

/// What a client was told of a room: `|` where it began to listen anew, `?` after what had no place yet.
fn told(room: &RoomId, client: &TestClient, begun: &BTreeSet<usize>) -> String {
    let events = client.events(room.clone());
    let mut told: Vec<String> = events
        .iter()
        .zip(client.heard(room))
        .enumerate()
        .map(|(place, (event, how))| {
            let begins = if begun.contains(&place) { "| " } else { "" };
            let mark = if how.is_provisional { "?" } else { "" };
            format!("{begins}{event}{mark}")
        })
        .collect();
    if begun.contains(&events.len()) {
        told.push("|".to_owned());
    }
    told.join(" ")
}
