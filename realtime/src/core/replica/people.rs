//! From the sessions in a room to its people.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
};

use crate::{
    core::message::{Entry, EntryKey, RunId},
    protocol::{DeviceKind, Member, Place, RoomId, SessionId, Status, UnixMillis, UserId},
};

/// The most places that are told of a person.
const MAX_PLACES: usize = 16;

/// Everyone in a room: a person is the union of their sessions, and guests are a number.
#[derive(Debug, Default)]
pub(super) struct People {
    sessions: BTreeMap<UserId, BTreeMap<SessionId, Entry>>,
    guests: BTreeMap<SessionId, Entry>,
    /// Those whom others may see.
    visible: BTreeMap<UserId, Member>,
    /// The same, in the order in which they came.
    arrivals: BTreeSet<(UnixMillis, UserId)>,
    /// The sessions that the room's present life has not heard of yet, with the node that spoke for each.
    held: BTreeMap<EntryKey, RunId>,
}

impl People {
    /// A session comes, or changes. Returns whose member it is.
    pub(super) fn enter(&mut self, entry: Entry) -> Option<UserId> {
        self.held.remove(&entry.key());
        let Some(user) = entry.user.as_ref().map(|user| user.id.clone()) else {
            self.guests.insert(entry.session.clone(), entry);
            return None;
        };
        self.sessions
            .entry(user.clone())
            .or_default()
            .insert(entry.session.clone(), entry);
        self.derive(&user);
        Some(user)
    }

    /// A session goes. Returns whose member it was.
    pub(super) fn exit(&mut self, key: &EntryKey) -> Option<UserId> {
        self.held.remove(key);
        let Some(user) = &key.user else {
            self.guests.remove(&key.session);
            return None;
        };
        let sessions = self.sessions.get_mut(user)?;
        sessions.remove(&key.session);
        if sessions.is_empty() {
            self.sessions.remove(user);
        }
        self.derive(user);
        Some(user.clone())
    }

    /// Replaces everyone. Returns who was or is here.
    pub(super) fn replace(&mut self, entries: Vec<Entry>) -> BTreeSet<UserId> {
        let mut touched: BTreeSet<UserId> = mem::take(self).sessions.into_keys().collect();
        for entry in entries {
            touched.extend(self.enter(entry));
        }
        touched
    }

    /// The same, but of those of before who are not named some stay: whose node is named, and who were held already.
    pub(super) fn replace_holding(
        &mut self,
        entries: Vec<Entry>,
        stays: impl Fn(RunId) -> bool,
    ) -> BTreeSet<UserId> {
        let before = mem::take(self);
        let mut touched: BTreeSet<UserId> = before.sessions.keys().cloned().collect();
        let sessions = before
            .sessions
            .into_values()
            .flat_map(BTreeMap::into_values);
        for entry in sessions.chain(before.guests.into_values()) {
            let key = entry.key();
            if stays(entry.run) || before.held.contains_key(&key) {
                let run = entry.run;
                touched.extend(self.enter(entry));
                self.held.insert(key, run);
            }
        }
        for entry in entries {
            touched.extend(self.enter(entry));
        }
        touched
    }

    /// A session is shown although the broker has not heard of it yet.
    pub(super) fn hold(&mut self, key: EntryKey, run: RunId) {
        self.held.insert(key, run);
    }

    /// Lets go of those who are held. Returns whose members they were.
    pub(super) fn release(&mut self, is_over: impl Fn(RunId) -> bool) -> BTreeSet<UserId> {
        let over = self.held.iter().filter(|(_, run)| is_over(**run));
        let over: Vec<EntryKey> = over.map(|(key, _)| key.clone()).collect();
        over.iter().filter_map(|key| self.exit(key)).collect()
    }

    /// The nodes for whose sessions the room waits.
    pub(super) fn held_runs(&self) -> BTreeSet<RunId> {
        self.held.values().copied().collect()
    }

    /// Whether the room's present life has not heard of a session that is shown.
    pub(super) fn is_held(&self, key: &EntryKey) -> bool {
        self.held.contains_key(key)
    }

    /// A session, if it is here.
    pub(super) fn session(&self, key: &EntryKey) -> Option<&Entry> {
        match &key.user {
            Some(user) => self.sessions.get(user)?.get(&key.session),
            None => self.guests.get(&key.session),
        }
    }

    /// The nodes that speak for somebody here.
    pub(super) fn runs(&self) -> BTreeSet<RunId> {
        let people = self.sessions.values().flat_map(BTreeMap::values);
        people
            .chain(self.guests.values())
            .map(|entry| entry.run)
            .collect()
    }

    fn derive(&mut self, user: &UserId) {
        let sessions = self.sessions.get(user);
        let member = sessions
            .and_then(member)
            .filter(|member| member.status != Status::Invisible);
        let before = match member {
            Some(member) => {
                self.arrivals.insert((member.since, user.clone()));
                let since = member.since;
                let before = self.visible.insert(user.clone(), member);
                before.filter(|before| before.since != since)
            }
            None => self.visible.remove(user),
        };
        if let Some(before) = before {
            self.arrivals.remove(&(before.since, user.clone()));
        }
    }

    /// A person as others may see them.
    pub(super) fn visible(&self, user: &UserId) -> Option<&Member> {
        self.visible.get(user)
    }

    /// Everyone whom others may see.
    pub(super) fn all_visible(&self) -> impl Iterator<Item = &Member> {
        self.visible.values()
    }

    /// A person as they see themselves.
    pub(super) fn own(&self, user: &UserId) -> Option<Member> {
        self.sessions.get(user).and_then(member)
    }

    /// The people after a place in the order in which they came.
    pub(super) fn by_arrival(
        &self,
        after: Option<&(UnixMillis, UserId)>,
    ) -> impl Iterator<Item = &Member> {
        use std::ops::Bound::{Excluded, Unbounded};
        let from = after.cloned().map_or(Unbounded, Excluded);
        self.arrivals
            .range((from, Unbounded))
            .filter_map(|(_, user)| self.visible.get(user))
    }

    /// How many people others may see.
    pub(super) fn count(&self) -> usize {
        self.visible.len()
    }

    pub(super) fn guests(&self) -> u32 {
        self.guests.len() as u32
    }

    /// How many sessions are here, whoever may see them.
    pub(super) fn sessions(&self) -> usize {
        self.guests.len() + self.sessions.values().map(BTreeMap::len).sum::<usize>()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sessions.is_empty() && self.guests.is_empty()
    }
}

/// A person: the union of their sessions.
fn member(sessions: &BTreeMap<SessionId, Entry>) -> Option<Member> {
    let latest = sessions.values().max_by_key(|entry| entry.incarnation)?;
    let user = latest.user.as_ref()?;
    let any = |status| sessions.values().any(|entry| entry.status == status);
    let devices: BTreeSet<DeviceKind> = sessions.values().map(|entry| entry.device_kind).collect();
    let since = sessions.values().map(|entry| entry.since).min()?;
    let mut at: BTreeMap<&RoomId, UnixMillis> = BTreeMap::new();
    for place in sessions.values().flat_map(|entry| &entry.at) {
        let since = at.entry(&place.room).or_insert(place.since);
        *since = place.since.min(*since);
    }
    let places = at.into_iter().take(MAX_PLACES).map(|(room, since)| Place {
        room: room.clone(),
        since,
    });
    Some(Member {
        user: user.id.clone(),
        name: user.name.clone(),
        // Hiding is the person's wish, and not a session's: one that has not heard of it yet shows nobody either.
        status: match () {
            () if any(Status::Invisible) => Status::Invisible,
            () if any(Status::Online) => Status::Online,
            () => Status::Away,
        },
        devices: devices.into_iter().collect(),
        since,
        at: places.collect(),
    })
}
