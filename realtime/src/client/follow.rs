//! From a component's room, which may change, to uses and listeners of the session, which end with the component.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use leptos::{prelude::*, reactive::owner::WeakOwner};
use serde::de::DeserializeOwned;

use super::store::Client;
use crate::{
    core::{places::Places, view::RoomView},
    hooks::{RealtimeContext, Since, SinceKind},
    protocol::{Position, RoomId, RoomUpdate, Signalled, UserId},
};

/// Uses whichever room the signal names, from hydration until the component ends. `begin` is called for each, and
/// returns what ends it.
pub(crate) fn follow_room<E: FnOnce() + 'static>(
    context: &RealtimeContext,
    room: Signal<RoomId>,
    begin: impl Fn(&RoomId, ArcRwSignal<RoomView>, &Client) -> E + 'static,
) {
    let context = context.clone();
    // The effect's own clean-up runs before it runs again, and when its owner ends.
    Effect::new(move |_| {
        let room = room.get();
        let client = context.client.clone();
        let first = context.first_view(&room);
        let view = client.acquire(&room, first.as_ref());
        let end = send_wrapper::SendWrapper::new(begin(&room, view, &client));
        let context = context.clone();
        on_cleanup(move || {
            end.take()();
            client.release(&room);
            if let Some(first) = &first {
                context.drop_first_view(first);
            }
        });
    });
}

/// Listens to whichever room the signal names. Events that cannot be read as `E` are told as such.
pub(crate) fn listen<E: DeserializeOwned + 'static>(
    room: Signal<RoomId>,
    since: Since,
    f: impl Fn(RoomUpdate<E>) + 'static,
) {
    let Some(context) = use_context::<RealtimeContext>() else {
        return;
    };
    // Weak, because the owner holds the listener: together they would never end.
    let owner = Owner::current().map(|owner| owner.downgrade());
    let unknown = Unknown::default();
    let tell = Rc::new(
        move |position: Position, event: Option<crate::protocol::WireEvent>| {
            let update = match event {
                Some(event) => RoomUpdate::read(position, &event),
                None => RoomUpdate::Reset(position),
            };
            if let RoomUpdate::Unknown(event) = &update {
                unknown.tell("an event", event.id.as_str());
            }
            // So that the host's callback finds the component's contexts.
            match owner.as_ref().and_then(WeakOwner::upgrade) {
                Some(owner) => owner.with(|| f(update)),
                None => f(update),
            }
        },
    );
    let places = Rc::new(RefCell::new(Places::default()));
    let views = context.clone();
    follow_room(&context, room, move |room, _, client| {
        let first = views.first_view(room).map(|view| view.position);
        let id = match since.0 {
            SinceKind::Fixed(since) => {
                let since = places.borrow_mut().begin(room, since, first);
                Some(since)
            }
            // Tracked: it is begun anew with the data.
            SinceKind::Followed(since) => {
                let since = since.get();
                places.borrow_mut().follow(room, since).map(Some)
            }
        }
        .and_then(|since| {
            let (places, tell, of) = (places.clone(), tell.clone(), room.clone());
            let tell = Rc::new(move |position, event| {
                places.borrow_mut().told(&of, position);
                tell(position, event);
            });
            client.listen(room, since, tell)
        });
        let (client, room) = (client.clone(), room.clone());
        move || {
            if let Some(id) = id {
                client.unlisten(&room, id);
            }
        }
    });
}

/// Listens to the signals of whichever room the signal names. What cannot be read as `S` is of a newer client, and
/// skipped.
pub(crate) fn listen_to_signals<S: DeserializeOwned + 'static>(
    context: &RealtimeContext,
    room: Signal<RoomId>,
    f: impl Fn(Option<UserId>, S) + 'static,
) {
    let owner = Owner::current().map(|owner| owner.downgrade());
    let unknown = Unknown::default();
    let tell = Rc::new(move |signal: &Signalled| {
        let Ok(data) = serde_json::from_str(signal.data.get()) else {
            unknown.tell("a signal", signal.room.as_str());
            return;
        };
        match owner.as_ref().and_then(WeakOwner::upgrade) {
            Some(owner) => owner.with(|| f(signal.user.clone(), data)),
            None => f(signal.user.clone(), data),
        }
    });
    follow_room(context, room, move |room, _, client| {
        let id = client.on_signal(room, tell.clone());
        let client = client.clone();
        move || client.off_signal(id)
    });
}

/// Tells of what a newer version said: once for each listener, for whoever looks for it.
#[derive(Default)]
struct Unknown(Cell<bool>);

impl Unknown {
    fn tell(&self, what: &str, of: &str) {
        if !self.0.replace(true) {
            leptos::logging::warn!(
                "{what} is of a form that this page does not know, and skipped ({of}); others like it are not told"
            );
        }
    }
}
