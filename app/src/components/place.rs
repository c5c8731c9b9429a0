//! Back leads to where the reader was.
//!
//! The browser goes there itself where the page is as long as it was. While its data is on its way it is shorter.

use std::collections::HashMap;

use leptos::{ev, prelude::*};

/// For how many frames a page may take to be as long as it was: some five seconds.
const PATIENCE: u32 = 300;

/// For how many frames it stays where it is before nothing more is expected: some two thirds of a second.
const STAYS: u32 = 40;

/// Where the reader was, on the pages of this visit.
#[derive(Clone, Default)]
struct Places {
    /// The address that is shown.
    here: String,
    /// How far down, in pixels, by address.
    known: HashMap<String, f64>,
    /// Where the page is to go once it is long enough.
    wanted: Option<f64>,
}

/// Keeps the reader's place for as long as the owner lives.
pub fn keep_place() {
    Effect::new(|_| {
        let places = StoredValue::new(Places {
            here: address(),
            ..Places::default()
        });
        let scrolled = window_event_listener(ev::scroll, move |_| {
            places.update_value(|places| {
                // A page that is too short yet is no place where the reader went.
                if places.wanted.is_none() {
                    places.here = address();
                    let top = window().scroll_y().unwrap_or_default();
                    places.known.insert(places.here.clone(), top);
                }
            });
        });
        let back = window_event_listener(ev::popstate, move |_| {
            places.update_value(|places| {
                let to = address();
                // Within a page the browser knows.
                if to != places.here {
                    places.wanted = places.known.get(&to).copied();
                    places.here = to;
                }
            });
            go(places, PATIENCE, 0);
        });
        // Whoever moves by themselves is not moved.
        let moves = move || {
            places.update_value(|places| places.wanted = None);
        };
        let others = (
            window_event_listener(ev::wheel, move |_| moves()),
            window_event_listener(ev::touchstart, move |_| moves()),
            window_event_listener(ev::keydown, move |_| moves()),
            window_event_listener(ev::pointerdown, move |_| moves()),
        );
        on_cleanup(move || {
            scrolled.remove();
            back.remove();
            others.0.remove();
            others.1.remove();
            others.2.remove();
            others.3.remove();
        });
    });
}

/// Goes to the wanted place whenever the page reaches so far down, until it has stayed there for a while: what is seen
/// first may still be the page before, or the beginning of this one.
fn go(places: StoredValue<Places>, frames: u32, stayed: u32) {
    let Some(Some(top)) = places.try_with_value(|places| places.wanted) else {
        return;
    };
    if frames == 0 || stayed == STAYS {
        places.update_value(|places| places.wanted = None);
        return;
    }
    let root = document().document_element();
    let longest = root.map_or(0, |root| root.scroll_height() - root.client_height());
    let is_there = (window().scroll_y().unwrap_or_default() - top).abs() < 1.0;
    if !is_there && f64::from(longest) >= top {
        window().scroll_to_with_x_and_y(0.0, top);
    }
    let stayed = if is_there { stayed + 1 } else { 0 };
    request_animation_frame(move || go(places, frames - 1, stayed));
}

/// The page that the browser shows, without the place in it.
fn address() -> String {
    let location = window().location();
    location.pathname().unwrap_or_default() + &location.search().unwrap_or_default()
}
