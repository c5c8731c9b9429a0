//! Whether a person is online, wherever they are.

use leptos::prelude::*;

use super::use_room_view;
use crate::protocol::{Member, Online, Room, Status, UnixMillis, UserId};

/// What [`use_online`] returns.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct UseOnlineReturn {
    /// The person as they are online; nothing while they are not, or hide.
    pub member: Signal<Option<Member>>,
    /// Whether they are online, and not away.
    pub online: Signal<bool>,
    /// When they were last seen, where they are not online and it is known.
    pub last_seen: Signal<Option<UnixMillis>>,
}

/// Whether a person is online, wherever they are on the site: for an author's name on a page, outside any list of who
/// is here. The person may be a signal. Each person is one of the 64 rooms that a connection has at most; the host's
/// `authorize` is asked for the room [`Online`].
///
/// ## Usage
/// ```
/// use leptos::prelude::*;
/// use leptos_realtime::{UserId, use_online};
///
/// #[component]
/// fn Dot(user: UserId) -> impl IntoView {
///     let presence = use_online(user);
///     view! { <span class:online=move || presence.online.get()></span> }
/// }
/// ```
///
/// ## Server-side rendering
/// Shows the [`FirstView`](crate::FirstView) of the room [`Online`] given to
/// [`use_first_view`](super::use_first_view); without one nobody is online.
pub fn use_online(user: impl Into<Signal<UserId>>) -> UseOnlineReturn {
    let user = user.into();
    let room = Memo::new(move |_| Online(user.get()).room_id());
    let view = use_room_view(room.into());
    let member = Memo::new(move |_| view.with(|view| view.members.values().next().cloned()));
    UseOnlineReturn {
        member: member.into(),
        online: Memo::new(move |_| {
            member.with(|member| {
                member
                    .as_ref()
                    .is_some_and(|member| member.status == Status::Online)
            })
        })
        .into(),
        last_seen: Memo::new(move |_| view.with(|view| view.last_seen)).into(),
    }
}
