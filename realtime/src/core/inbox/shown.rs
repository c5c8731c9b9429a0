//! What of an inbox a page shows, as the query of the page's address says it.

use std::fmt::Write as _;

use crate::protocol::{InboxCursor, InboxFilter, NotificationId};

/// Which notifications a page shows, and from where on: `?show=unread&kind=mention&before=1795357523844.9`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Shown {
    /// Which.
    pub filter: InboxFilter,
    /// Only those below this place.
    pub before: Option<InboxCursor>,
}

/// What is ours in a query.
const SHOW: &str = "show";
const KIND: &str = "kind";
const BEFORE: &str = "before";

impl Shown {
    /// Reads the query of an address, with or without its `?`. What it cannot read it passes over.
    #[must_use]
    pub fn read(query: &str) -> Self {
        let mut shown = Self::default();
        for (name, value) in pairs(query) {
            match (name, value) {
                (SHOW, "unread") => shown.filter.unread = true,
                (SHOW, "archive") => shown.filter.archived = true,
                (KIND, kind) if !kind.is_empty() => shown.filter.kind = Some(decoded(kind)),
                (BEFORE, place) => shown.before = read_place(place),
                _ => {}
            }
        }
        shown
    }

    /// The query that says this, with its `?`. What else stands in `query`, that of the page's address, is kept.
    #[must_use]
    pub fn write(&self, query: &str) -> String {
        let mut written = "?".to_owned();
        let mut add = |name: &str, value: &str| {
            let between = if written.len() > 1 { "&" } else { "" };
            let _ = write!(written, "{between}{name}={value}");
        };
        for (name, value) in pairs(query) {
            if ![SHOW, KIND, BEFORE].contains(&name) {
                add(name, value);
            }
        }
        match (self.filter.archived, self.filter.unread) {
            (true, _) => add(SHOW, "archive"),
            (false, true) => add(SHOW, "unread"),
            (false, false) => {}
        }
        if let Some(kind) = &self.filter.kind {
            add(KIND, &encoded(kind));
        }
        if let Some(InboxCursor { updated, id }) = self.before {
            add(BEFORE, &format!("{updated}.{id}"));
        }
        written
    }
}

/// The names and values of a query, as they are written.
fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let query = query.strip_prefix('?').unwrap_or(query);
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

fn read_place(text: &str) -> Option<InboxCursor> {
    let (updated, id) = text.split_once('.')?;
    Some(InboxCursor {
        updated: updated.parse().ok()?,
        id: NotificationId(id.parse().ok()?),
    })
}

/// As <https://url.spec.whatwg.org/#application/x-www-form-urlencoded> has it.
fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' => {
                encoded.push(char::from(byte));
            }
            b' ' => encoded.push('+'),
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = |at: usize| {
            after
                .get(at)
                .and_then(|byte| char::from(*byte).to_digit(16))
        };
        let (byte, length) = match (first, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => ((high * 16 + low) as u8, 3),
            (b'+', ..) => (b' ', 1),
            _ => (*first, 1),
        };
        bytes.push(byte);
        rest = &rest[length..];
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of_kind(kind: &str) -> Shown {
        let mut shown = Shown::default();
        shown.filter.kind = Some(kind.to_owned());
        shown
    }

    #[test]
    fn a_page_without_a_query_shows_everything_from_the_newest_on() {
        for query in [
            "",
            "?",
            "?&",
            "?show=all",
            "?before=9",
            "?kind=",
            "?lang=de&a",
        ] {
            assert_eq!(Shown::read(query), Shown::default(), "{query}");
        }
        assert_eq!(Shown::default().write(""), "?");
    }

    #[test]
    fn what_else_stands_in_a_query_is_kept() {
        let query = "?lang=de&show=archive&kind=vote&before=7.9&tag=a%20b";
        let written = of_kind("a b&c").write(query);
        assert_eq!(written, "?lang=de&tag=a%20b&kind=a+b%26c");
        let shown = Shown::read(query);
        assert!(shown.filter.archived && !shown.filter.unread);
        let place = shown.before.map(|place| (place.updated, place.id.0));
        assert_eq!(place, Some((7, 9)));
    }

    #[test]
    fn a_browsers_encoding_is_read() {
        for query in ["kind=a%20%C3%A4", "kind=a+ä", "kind=a%20%c3%a4"] {
            assert_eq!(Shown::read(query), of_kind("a ä"), "{query}");
        }
        assert_eq!(
            Shown::read("kind=100%").filter.kind.as_deref(),
            Some("100%")
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(show in 0..3_u8, kind in prop::option::of(".{1,9}"), place in any::<Option<(u64, i64)>>()) {
            let mut shown = Shown::default();
            shown.filter.unread = show == 1;
            shown.filter.archived = show == 2;
            shown.filter.kind = kind;
            shown.before = place.map(|(updated, id)| InboxCursor { updated, id: NotificationId(id) });
            prop_assert_eq!(Shown::read(&shown.write("?x=y")), shown);
        }

        #[test]
        fn any_query_is_read(query in ".*") {
            let _ = Shown::read(&query);
        }
    }
}
