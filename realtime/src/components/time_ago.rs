//! When something happened, or will: absolute in the HTML, relative once the page is alive.

use leptos::prelude::*;
use time::OffsetDateTime;

use crate::protocol::UnixMillis;

/// A moment: “22 November 2026, 05:09 UTC” in the HTML, “2 minutes ago” once the page is alive, and kept true.
///
/// ```
/// use leptos::prelude::*;
/// use leptos_realtime::TimeAgo;
///
/// #[component]
/// fn Posted() -> impl IntoView {
///     view! { <TimeAgo at=1_795_324_165_000/> }
/// }
/// ```
#[component]
pub fn TimeAgo(
    /// The moment.
    at: UnixMillis,
) -> impl IntoView {
    let at = i64::try_from(at).unwrap_or(i64::MAX);
    let absolute = absolute(at);
    let shown = RwSignal::new(absolute.clone());
    // After hydration, because a clock would make the first render differ from the HTML.
    #[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
    Effect::new(move |_| {
        let show = move || shown.set(relative(js_now() - at));
        show();
        let clock = set_interval_with_handle(show, std::time::Duration::from_secs(30)).ok();
        on_cleanup(move || {
            if let Some(clock) = clock {
                clock.clear();
            }
        });
    });
    view! { <time datetime=iso(at) title=absolute>{move || shown.get()}</time> }
}

#[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
fn js_now() -> i64 {
    js_sys::Date::now() as i64
}

fn moment(at: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at.div_euclid(1_000)).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn iso(at: i64) -> String {
    let t = moment(at);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        t.year(),
        u8::from(t.month()),
        t.day(),
        t.hour(),
        t.minute(),
        t.second()
    )
}

fn absolute(at: i64) -> String {
    let t = moment(at);
    format!(
        "{} {} {}, {:02}:{:02} UTC",
        t.day(),
        t.month(),
        t.year(),
        t.hour(),
        t.minute()
    )
}

#[cfg_attr(
    not(all(target_arch = "wasm32", feature = "hydrate")),
    allow(dead_code, reason = "only a browser has a now")
)]
fn relative(age_ms: i64) -> String {
    let minutes = age_ms / 60_000;
    let ahead = -minutes;
    match minutes {
        ..=-2_880 => format!("in {} days", ahead / 1_440),
        -2_879..=-120 => format!("in {} hours", ahead / 60),
        -119..=-2 => format!("in {ahead} minutes"),
        -1..1 => "just now".to_owned(),
        1 => "a minute ago".to_owned(),
        2..60 => format!("{minutes} minutes ago"),
        60..120 => "an hour ago".to_owned(),
        120..1_440 => format!("{} hours ago", minutes / 60),
        1_440..2_880 => "yesterday".to_owned(),
        _ => format!("{} days ago", minutes / 1_440),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_for_machines_and_for_people() {
        assert_eq!(iso(1_795_324_165_000), "2026-11-22T05:09:25Z");
        assert_eq!(absolute(1_795_324_165_000), "22 November 2026, 05:09 UTC");
    }

    #[test]
    fn ages_are_rounded_down_in_words() {
        for (minutes, words) in [
            (0, "just now"),
            (1, "a minute ago"),
            (59, "59 minutes ago"),
            (61, "an hour ago"),
        ] {
            assert_eq!(relative(minutes * 60_000), words);
        }
        assert_eq!(relative(-5_000), "just now", "a clock that is behind");
        assert_eq!(relative(-60_000 * 59), "in 59 minutes");
        assert_eq!(relative(-60_000 * 1_439), "in 23 hours");
        assert_eq!(relative(-60_000 * 10_080), "in 7 days");
        assert_eq!(relative(86_400_000), "yesterday");
        assert_eq!(relative(86_400_000 * 3), "3 days ago");
    }
}
