//! The people of a small world: numbered, with a number of tabs each. Number 0 is everyone who is not signed in.

use leptos_realtime::{
    DeviceKind, Status, User, UserId,
    core::message::{Entry, EntryChange, RunId},
    protocol::{Place, SessionId},
};

/// How many people there are, the guests among them.
pub const PEOPLE: u64 = 8;

const STATUSES: [Status; 3] = [Status::Online, Status::Away, Status::Invisible];

const DEVICES: [DeviceKind; 3] = [DeviceKind::Other, DeviceKind::Mobile, DeviceKind::Desktop];

/// A person by number; nobody for a guest.
#[must_use]
pub fn user(who: u64) -> Option<User> {
    let who = (who % PEOPLE) as i64;
    (who > 0).then(|| User::new(who, format!("P{who}")))
}

#[must_use]
pub fn user_id(who: u64) -> UserId {
    UserId::from((who % PEOPLE) as i64)
}

/// A tab of a person. Its status is one of three; further numbers let it be somewhere else besides.
#[must_use]
pub fn entry(who: u64, tab: u64, how: u64) -> Entry {
    let place = how / 3 % 3;
    let at = (place > 0).then(|| Place {
        room: format!("board:{place}").parse().expect("a room's name"),
        since: how,
    });
    Entry {
        session: session(tab),
        user: user(who),
        incarnation: how,
        run: RunId::default(),
        device: None,
        device_kind: pick(&DEVICES, tab),
        status: pick(&STATUSES, how),
        since: tab,
        at: at.into_iter().collect(),
    }
}

/// A tab goes (0), or comes or changes (all others).
#[must_use]
pub fn change(who: u64, tab: u64, how: u64) -> EntryChange {
    match how {
        0 => EntryChange::Exit(entry(who, tab, 0).key()),
        how => EntryChange::Enter(entry(who, tab, how - 1)),
    }
}

fn session(tab: u64) -> SessionId {
    SessionId::try_from(format!("s{tab}")).expect("a session's name")
}

/// One of several, whatever the number.
pub fn pick<T: Copy>(from: &[T], which: u64) -> T {
    from[(which % from.len() as u64) as usize]
}
