//! The line that tells who is typing.

use leptos::prelude::*;

use crate::{
    hooks::{RoomSource, use_typing},
    protocol::{RoomId, User},
};

/// Who else is typing in a room, in a line that keeps its place while nobody is.
///
/// ```
/// use leptos::prelude::*;
/// use leptos_realtime::{TypingIndicator, rooms};
///
/// rooms! { Board(i64) }
///
/// #[component]
/// fn BelowThePosts() -> impl IntoView {
///     view! { <TypingIndicator room=Board(7)/> }
/// }
/// ```
#[component]
pub fn TypingIndicator<S: RoomSource>(
    /// The room, or a signal of it.
    room: S,
) -> impl IntoView {
    indicator(room.into_room_id())
}

fn indicator(room: Signal<RoomId>) -> AnyView {
    let typing = use_typing(room);
    let someone = move || typing.people.with(|people| !people.is_empty());
    view! {
        <p class="rt-typing" role="status" aria-live="polite" data-active=move || someone().to_string()>
            <span class="rt-typing-dots" aria-hidden="true"><i></i><i></i><i></i></span>
            <span>{move || typing.people.with(|people| sentence(people))}</span>
        </p>
    }
    .into_any()
}

fn sentence(people: &[User]) -> String {
    match people {
        [] => String::new(),
        [one] => format!("{} is writing…", one.name),
        [one, two] => format!("{} and {} are writing…", one.name, two.name),
        more => format!("{} people are writing…", more.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_names_one_or_two_and_counts_more() {
        let people = ["Ada", "Bob", "Cyd"].map(|name| User::new(7, name));
        assert_eq!(sentence(&[]), "");
        assert_eq!(sentence(&people[..1]), "Ada is writing…");
        assert_eq!(sentence(&people[..2]), "Ada and Bob are writing…");
        assert_eq!(sentence(&people), "3 people are writing…");
    }
}
