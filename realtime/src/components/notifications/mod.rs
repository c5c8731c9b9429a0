//! What tells people of what concerns them: the bell, the inbox, toasts, and what they want to hear of.

mod bell;
mod focus;
mod inbox;
mod preferences;
mod toasts;

pub use bell::NotificationBell;
pub use inbox::NotificationInbox;
pub use preferences::{NotificationKind, NotificationPreferences};
pub use toasts::NotificationToasts;

use crate::protocol::{NotificationData, WireNotification};

/// A notification in words.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Worded {
    title: String,
    body: Option<String>,
    link: Option<String>,
}

/// How a host's type words a notification.
type Wording = fn(&WireNotification) -> Worded;

/// The wording of a host's type; a plain sentence for what it cannot read, which a newer server wrote.
fn wording<D: NotificationData>(one: &WireNotification) -> Worded {
    match one.read_as::<D>() {
        Some(read) => Worded {
            title: D::title(&read),
            body: D::body(&read),
            link: D::link(&read).filter(|link| leads_somewhere(link)),
        },
        None => Worded {
            title: "Something new: load the page again to see it".to_owned(),
            body: None,
            link: None,
        },
    }
}

/// Whether a link is a path of the site's own or a web address: a host may have taken it from somebody, and others run
/// code.
fn leads_somewhere(link: &str) -> bool {
    let path = link.starts_with('/') && !link.starts_with("//") && !link.starts_with("/\\");
    path || link.starts_with("https://") || link.starts_with("http://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_of_a_newer_server_is_said_to_be_something_new() {
        let one: WireNotification = serde_json::from_str(
            r#"{"id":1,"kind":"wave","data":{"hands":2},"count":1,"created":1,"updated":1,"change":1,"mood":"blue"}"#,
        )
        .unwrap();
        let worded = wording::<String>(&one);
        assert_eq!(worded.title, "Something new: load the page again to see it");
        assert_eq!((worded.body, worded.link), (None, None));
    }

    #[test]
    fn a_link_that_runs_code_or_leaves_the_site_unseen_is_none() {
        for link in ["/c/harbour#post-7", "https://example.org", "http://a"] {
            assert!(leads_somewhere(link), "{link}");
        }
        for link in [
            "javascript:alert(1)",
            "//evil.example",
            "/\\evil.example",
            "data:text/html,x",
            "",
        ] {
            assert!(!leads_somewhere(link), "{link}");
        }
    }
}
