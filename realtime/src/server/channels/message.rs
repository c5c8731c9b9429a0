//! A notification, worded for a channel.

use std::sync::Arc;

use crate::protocol::{NotificationData, NotificationId, WireNotification};

/// What is sent: texts, as the host's type words them for everybody else.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChannelMessage {
    /// Which notification it is: one that grows is sent again, where it was not read meanwhile.
    pub notification: NotificationId,
    /// [`NotificationData::kind`].
    pub kind: String,
    /// The line that says it.
    pub title: String,
    /// What stands below it.
    pub body: Option<String>,
    /// Where it leads, with the site's address; none where that is not known (`SITE_URL`).
    pub link: Option<String>,
}

impl ChannelMessage {
    /// A message with nothing but a title, for tests of a channel.
    #[must_use]
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            notification: NotificationId(0),
            kind: String::new(),
            title: title.into(),
            body: None,
            link: None,
        }
    }

    /// All of it as one text, of at most so many UTF-16 units: what is cut off then is of the body, or of the title.
    #[must_use]
    pub fn text(&self, most: usize) -> String {
        let length = |text: &str| text.encode_utf16().count();
        let link = self.link.as_deref().filter(|link| length(link) <= most / 2);
        let link = link.map_or(String::new(), |link| format!("\n\n{link}"));
        let rest = most - length(&link);
        let mut text = cut(&self.title, rest);
        if let Some(body) = &self.body {
            let rest = rest.saturating_sub(length(&text) + 2);
            // Less would say nothing.
            if rest >= length(body).min(16) {
                text.push_str("\n\n");
                text.push_str(&cut(body, rest));
            }
        }
        text + &link
    }
}

/// The beginning of a text, of at most so many UTF-16 units.
fn cut(text: &str, most: usize) -> String {
    if text.encode_utf16().count() <= most {
        return text.to_owned();
    }
    let mut left = most.saturating_sub(1);
    let fits = |letter: &char| {
        let fits = letter.len_utf16() <= left;
        left = left.saturating_sub(letter.len_utf16());
        fits
    };
    let mut cut: String = text.chars().take_while(fits).collect();
    if most > 0 {
        cut.push('…');
    }
    cut
}

/// How notifications are worded: none where they are not the type's.
pub(crate) type Wording =
    Arc<dyn Fn(&WireNotification, Option<&str>) -> Option<ChannelMessage> + Send + Sync>;

/// As this type words them. The second parameter is the site's address, without a slash at the end.
pub(crate) fn wording<D: NotificationData>() -> Wording {
    Arc::new(|notification, site| {
        let notification = notification.read_as::<D>()?;
        if notification.data.kind() != notification.kind {
            return None;
        }
        Some(ChannelMessage {
            notification: notification.id,
            kind: notification.kind.clone(),
            title: D::title(&notification),
            body: D::body(&notification).filter(|body| !body.is_empty()),
            link: D::link(&notification).and_then(|link| absolute(&link, site)),
        })
    })
}

fn absolute(link: &str, site: Option<&str>) -> Option<String> {
    if link.starts_with("https://") || link.starts_with("http://") {
        return Some(link.to_owned());
    }
    let slash = if link.starts_with('/') { "" } else { "/" };
    site.map(|site| format!("{site}{slash}{link}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_made_whole_or_left_out() {
        let site = Some("https://forum.example");
        assert_eq!(absolute("/p/7", site).unwrap(), "https://forum.example/p/7");
        assert_eq!(absolute("p/7", site).unwrap(), "https://forum.example/p/7");
        assert_eq!(absolute("/p/7", None), None);
        assert_eq!(
            absolute("https://b.example/x", None).unwrap(),
            "https://b.example/x"
        );
    }

    #[test]
    fn a_text_is_never_longer_than_it_may_be_and_keeps_its_link() {
        let mut message = ChannelMessage::new("Ada commented");
        assert_eq!(message.text(4_096), "Ada commented");
        message.body = Some("𝄞".repeat(5_000));
        message.link = Some("https://forum.example/p/7".to_owned());
        for most in [0, 1, 20, 60, 100, 4_096] {
            let text = message.text(most);
            assert!(text.encode_utf16().count() <= most, "{most}: {text}");
        }
        let text = message.text(4_096);
        assert!(text.starts_with("Ada commented\n\n𝄞𝄞"));
        assert!(text.ends_with("𝄞…\n\nhttps://forum.example/p/7"));
        assert!(text.encode_utf16().count() >= 4_095);
        message.body = Some("Hello".to_owned());
        assert_eq!(
            message.text(4_096),
            "Ada commented\n\nHello\n\nhttps://forum.example/p/7"
        );
    }
}
