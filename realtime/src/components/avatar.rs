//! One face: initials on a colour of the person's own, with a ring that tells how they are present.

use leptos::prelude::*;

use super::TimeAgo;
use crate::protocol::{DeviceKind, Member, Status, UserId};

/// How many colours there are: `rt-hue-0` to `rt-hue-11` in `avatar.css`.
const HUES: u32 = 12;

/// The person's colour, the same everywhere (FNV-1a of the id).
fn hue(user: &UserId) -> u32 {
    user.as_str().bytes().fold(2_166_136_261_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(16_777_619)
    }) % HUES
}

/// The first letters of the first and the last word of a name.
fn initials(name: &str) -> String {
    let mut words = name
        .split_whitespace()
        .filter_map(|word| word.chars().find(|c| c.is_alphanumeric()));
    let first = words.next().unwrap_or('?');
    first
        .to_uppercase()
        .chain(words.next_back().into_iter().flat_map(char::to_uppercase))
        .collect()
}

/// What a tooltip and a screen reader say.
fn description(member: &Member) -> String {
    let status = match member.status {
        Status::Online => "online",
        Status::Away => "away",
        Status::Invisible => "invisible to others",
    };
    let devices = member.devices.iter().filter_map(|kind| match kind {
        DeviceKind::Desktop => Some("computer"),
        DeviceKind::Mobile => Some("phone"),
        DeviceKind::Other => None,
    });
    let devices: Vec<_> = devices.collect();
    match devices.is_empty() {
        true => format!("{}, {status}", member.name),
        false => format!("{}, {status} ({})", member.name, devices.join(" and ")),
    }
}

/// A member's face: initials on a colour of their own, how they are present, and on focus or hover the name, the devices
/// and since when. It shows what it is given; [`PresenceAvatars`](super::PresenceAvatars) follows a room.
///
/// ```
/// use leptos::prelude::*;
/// use leptos_realtime::{Avatar, Member};
///
/// #[component]
/// fn Faces(members: Vec<Member>) -> impl IntoView {
///     let faces = members.into_iter().map(|member| view! { <li><Avatar member/></li> });
///     view! { <ul class="rt-avatars">{faces.collect_view()}</ul> }
/// }
/// ```
#[component]
pub fn Avatar(
    /// Whose face it is.
    member: Member,
) -> impl IntoView {
    let status = match member.status {
        Status::Online => "online",
        Status::Away => "away",
        Status::Invisible => "invisible",
    };
    let description = description(&member);
    // Focus shows what hovering shows: for a keyboard, and on a touch screen.
    view! {
        <span
            class=format!("rt-avatar rt-hue-{}", hue(&member.user))
            data-status=status
            data-user=member.user.to_string()
            role="img"
            aria-label=description.clone()
            tabindex="0"
        >
            <span aria-hidden="true">{initials(&member.name)}</span>
            <span class="rt-avatar-card" aria-hidden="true">
                <bdi>{description.clone()}</bdi>
                <span>"came " <TimeAgo at=member.since/></span>
            </span>
        </span>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_of_the_first_and_the_last_word() {
        assert_eq!(initials("Ada Lovelace"), "AL");
        assert_eq!(initials("jean-luc de la tour"), "JT");
        assert_eq!(initials("مريم"), "م");
        assert_eq!(initials("  "), "?");
        assert_eq!(initials("(bob) 7"), "B7");
    }

    #[test]
    fn a_face_says_who_how_and_on_what() {
        let member = Member {
            user: 7.into(),
            name: "Ada".into(),
            status: Status::Away,
            devices: vec![DeviceKind::Desktop, DeviceKind::Mobile, DeviceKind::Other],
            since: 0,
            at: vec![],
        };
        assert_eq!(description(&member), "Ada, away (computer and phone)");
        assert!(hue(&member.user) < HUES);
    }
}
