//! What tells people of what concerns them: the bell, the inbox, toasts, and what they want to hear of.

mod bell;
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
            link: D::link(&read),
        },
        None => Worded {
            title: "Something new: load the page again to see it".to_owned(),
            body: None,
            link: None,
        },
    }
}
