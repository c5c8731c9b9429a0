//! Who is here: the faces, and on wide pages their names, and where they are.

use leptos::prelude::*;
use leptos_realtime::{Member, PresenceAvatars, RoomId, Status, use_connection, use_presence};
use leptos_router::components::A;

use super::status_name;

/// The most names to list.
const NAMES: usize = 30;

/// A place that people may be at, besides the room that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownPlace {
    pub room: RoomId,
    pub name: String,
    pub href: String,
}

/// Who is in a room.
#[component]
pub fn WhoIsHere(
    #[prop(into)] room: RoomId,
    /// The places to name where somebody is at one of them.
    #[prop(optional, into)]
    places: Signal<Vec<KnownPlace>>,
) -> impl IntoView {
    let presence = use_presence(room.clone());
    let me = use_connection().user;
    let is_me =
        move |member: &Member| me.with(|me| me.as_ref().is_some_and(|me| me.id == member.user));
    // Who hides is counted by nobody, and sees themselves.
    let hidden = move || {
        presence.members.with(|members| {
            let mut hidden = members.iter();
            hidden.any(|member| member.status == Status::Invisible)
        })
    };
    let heading = move || match (presence.count.get(), hidden()) {
        (0, false) => "Who is here".to_owned(),
        (0, true) => "Only you, unseen".to_owned(),
        (1, false) => "One person here".to_owned(),
        (1, true) => "One person here, and you, unseen".to_owned(),
        (count, false) => format!("{count} people here"),
        (count, true) => format!("{count} people here, and you, unseen"),
    };
    let listed = move || {
        presence
            .members
            .get()
            .into_iter()
            .take(NAMES)
            .collect::<Vec<_>>()
    };
    let more = move || {
        let named = presence.members.with(Vec::len).min(NAMES);
        let more = (presence.count.get() as usize).saturating_sub(named);
        (named > 0 && more > 0).then(|| format!("and {more} more"))
    };
    view! {
        <section class="here" aria-labelledby="here">
            <h2 id="here">{heading}</h2>
            <PresenceAvatars room max=5/>
            <ul class="here-names">
                <For each=listed key=|member| (member.user.clone(), member.name.clone(), member.status, member.at.clone()) let:member>
                    <Name
                        // Whoever looks knows where they are themselves.
                        place=places.with_untracked(|places| place_of(&member, places)).filter(|_| !untrack(|| is_me(&member)))
                        member
                    />
                </For>
            </ul>
            {move || more().map(|more| view! { <p class="here-more">{more}</p> })}
        </section>
    }
    .into_any()
}

/// Where somebody has come last, of these places.
fn place_of(member: &Member, places: &[KnownPlace]) -> Option<KnownPlace> {
    let mut at: Vec<_> = member.at.iter().collect();
    at.sort_by_key(|place| std::cmp::Reverse(place.since));
    at.into_iter()
        .find_map(|at| places.iter().find(|place| place.room == at.room))
        .cloned()
}

#[component]
fn Name(member: Member, place: Option<KnownPlace>) -> impl IntoView {
    let note = match member.status {
        Status::Online => None,
        Status::Away => Some("away"),
        Status::Invisible => Some("hidden"),
    };
    view! {
        <li data-status=status_name(member.status)>
            <span>
                <bdi>{member.name}</bdi>
                {note.map(|note| view! { " " <span class="here-note">{note}</span> })}
                {place.map(|place| view! { " " <A href=place.href attr:class="here-place">{place.name}</A> })}
            </span>
        </li>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use leptos_realtime::protocol::Place;

    use super::*;

    #[test]
    fn of_several_places_the_last_one_that_is_known_is_named() {
        let place = |id: i64| KnownPlace {
            room: crate::Board(id).into(),
            name: format!("Board {id}"),
            href: format!("/{id}"),
        };
        let at = |id: i64, since| Place {
            room: crate::Board(id).into(),
            since,
        };
        let member = Member {
            user: 7.into(),
            name: "Ada".into(),
            status: Status::Online,
            devices: Vec::new(),
            since: 0,
            at: vec![at(1, 5), at(2, 9), at(3, 20)],
        };
        let known = [place(1), place(2)];
        assert_eq!(place_of(&member, &known), Some(place(2)));
        assert_eq!(place_of(&member, &[place(4)]), None);
    }
}
