//! The hooks and components during server-side rendering.
#![cfg(feature = "ssr")]
#![allow(clippy::unwrap_used, reason = "tests")]

use leptos::prelude::*;
use leptos_realtime::{
    ConnectionBadge, DeviceKind, FirstView, Member, Position, PresenceAvatars, Room, Status,
    TypingIndicator, core::view::ViewState, hooks::use_first_view, protocol::Epoch,
    provide_realtime, rooms, use_connection, use_presence, use_room_events, use_typing,
};

rooms! { Board(i64) => String }

fn view_of(board: i64, names: &[&str], guests: u32) -> FirstView {
    let member = |(since, name): (u64, &&str)| Member {
        user: (*name).try_into().unwrap(),
        name: (*name).to_owned(),
        status: Status::Online,
        devices: vec![DeviceKind::Desktop],
        since,
        at: vec![],
    };
    FirstView {
        room: Board(board).room_id(),
        position: Position {
            epoch: Epoch(1),
            seq: 4,
        },
        members: (0..).zip(names).map(member).collect(),
        count: None,
        guests,
        last_seen: None,
    }
}

fn html(page: impl FnOnce() -> AnyView) -> String {
    Owner::new().with(|| page().to_html())
}

#[test]
fn the_first_html_shows_who_is_here_in_the_order_in_which_they_came() {
    let html = html(|| {
        provide_realtime();
        let names = [
            "Zoe Park",
            "Ada Lovelace",
            "Bob",
            "Cyd",
            "Dan",
            "Eve",
            "Fay",
        ];
        use_first_view(view_of(7, &names, 2));
        view! { <PresenceAvatars room=Board(7) max=5/> }.into_any()
    });
    let place = |text: &str| {
        html.find(text)
            .unwrap_or_else(|| panic!("{text} in {html}"))
    };
    assert!(place("Zoe Park, online (computer)") < place("Ada Lovelace, online (computer)"));
    assert!(place("aria-label=\"7 people are here\"") > 0);
    assert!(!html.contains("Eve"), "at most five faces");
    place("+2");
    place("and 2 guests");
}

#[test]
fn without_a_first_view_the_page_says_that_it_is_loading() {
    let html = html(|| {
        provide_realtime();
        view! { <PresenceAvatars room=Board(7)/> }.into_any()
    });
    assert!(html.contains("aria-busy=\"true\"") && html.contains("rt-skeleton"));
    assert!(!html.contains("Nobody is here"), "that is not known yet");
}

#[test]
fn without_any_context_hooks_and_components_show_nothing_and_do_not_panic() {
    let html = html(|| {
        use_room_events(Board(7), None, |_| ());
        let typing = use_typing(Board(7));
        typing.start.run(());
        assert_eq!(typing.people.get(), []);
        assert_eq!(use_connection().user.get(), None);
        view! { <PresenceAvatars room=Board(7)/> <TypingIndicator room=Board(7)/> <ConnectionBadge/> }
            .into_any()
    });
    assert!(html.contains("rt-typing") && html.contains("data-shown=\"false\""));
}

#[test]
fn a_room_may_be_a_signal_and_the_view_follows_it() {
    Owner::new().with(|| {
        provide_realtime();
        use_first_view(view_of(7, &["Ada"], 0));
        use_first_view(view_of(8, &["Bob", "Cyd"], 0));
        let room = RwSignal::new(Board(7));
        let presence = use_presence(room);
        let names = move || {
            let members = presence.members.get().into_iter();
            members.map(|member| member.name).collect::<Vec<_>>()
        };
        assert_eq!(names(), ["Ada"]);
        room.set(Board(8));
        assert_eq!(names(), ["Bob", "Cyd"]);
        assert_eq!(
            presence.state.get(),
            ViewState::Stale,
            "as of the page's making"
        );
        room.set(Board(9));
        assert_eq!(presence.state.get(), ViewState::Loading);
    });
}

#[test]
fn names_are_text_whatever_is_in_them() {
    let html = html(|| {
        provide_realtime();
        use_first_view(view_of(7, &["<script>alert(1)</script>"], 0));
        view! { <PresenceAvatars room=Board(7)/> }.into_any()
    });
    assert!(!html.contains("<script>"), "{html}");
}
