//! What the forum notifies people of.

use leptos_realtime::{Notification, NotificationData, NotificationKind};
use serde::{Deserialize, Serialize};

/// Something that concerns a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// They were mentioned in a post.
    Mention(About),
    /// Somebody posted in a partner community of theirs.
    PartnerPost(About),
}

/// A post, as a notification tells of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The community's slug.
    pub community: String,
    /// The board's slug.
    pub board: String,
    /// The post.
    pub post: i64,
    /// Its title.
    pub title: String,
    /// How its text begins.
    pub excerpt: String,
}

impl About {
    /// A post at a board of a community, by their slugs.
    #[cfg(feature = "ssr")]
    #[must_use]
    pub fn post(community: &str, board: &str, post: &crate::Post) -> Self {
        Self {
            community: community.to_owned(),
            board: board.to_owned(),
            post: post.id,
            title: post.title.clone(),
            excerpt: excerpt(&post.body),
        }
    }
}

/// The most characters of a post that a notification shows.
#[cfg(feature = "ssr")]
const EXCERPT: usize = 140;

/// How a text begins, on one line.
#[cfg(feature = "ssr")]
fn excerpt(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line,
    }
}

impl Notice {
    /// All kinds, as people switch them on and off.
    #[must_use]
    pub fn kinds() -> Vec<NotificationKind> {
        vec![
            NotificationKind::new("mention", "Somebody mentions you"),
            NotificationKind::new("partner_post", "Posts in partner communities"),
        ]
    }

    fn about(&self) -> &About {
        match self {
            Self::Mention(about) | Self::PartnerPost(about) => about,
        }
    }
}

impl NotificationData for Notice {
    fn kind(&self) -> &'static str {
        match self {
            Self::Mention(_) => "mention",
            Self::PartnerPost(_) => "partner_post",
        }
    }

    fn subject(&self) -> Option<String> {
        match self {
            Self::Mention(about) => Some(format!("post:{}", about.post)),
            // Of a lively neighbour one line, not many.
            Self::PartnerPost(about) => Some(format!("community:{}", about.community)),
        }
    }

    fn community(&self) -> Option<String> {
        Some(self.about().community.clone())
    }

    fn title(notification: &Notification<Self>) -> String {
        let (who, about) = (notification.who(), notification.data.about());
        match &notification.data {
            Self::Mention(_) => format!("{who} mentioned you in “{}”", about.title),
            Self::PartnerPost(_) if notification.count > 1 => {
                format!("{who} posted, last “{}”", about.title)
            }
            Self::PartnerPost(_) => format!("{who} posted “{}”", about.title),
        }
    }

    fn body(notification: &Notification<Self>) -> Option<String> {
        Some(notification.data.about().excerpt.clone())
    }

    fn link(notification: &Notification<Self>) -> Option<String> {
        let About {
            community,
            board,
            post,
            ..
        } = notification.data.about();
        Some(format!("/c/{community}/{board}#post-{post}"))
    }
}
