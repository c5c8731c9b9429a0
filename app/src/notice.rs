//! What the forum notifies people of.

use leptos_realtime::{Notification, NotificationData, NotificationKind};
use serde::{Deserialize, Serialize};

/// Something that concerns a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// They were mentioned in a post.
    Mention(About),
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

impl Notice {
    /// All kinds, as people switch them on and off.
    #[must_use]
    pub fn kinds() -> Vec<NotificationKind> {
        vec![NotificationKind::new("mention", "Somebody mentions you")]
    }

    fn about(&self) -> &About {
        match self {
            Self::Mention(about) => about,
        }
    }
}

impl NotificationData for Notice {
    fn kind(&self) -> &'static str {
        match self {
            Self::Mention(_) => "mention",
        }
    }

    fn subject(&self) -> Option<String> {
        Some(format!("post:{}", self.about().post))
    }

    fn community(&self) -> Option<String> {
        Some(self.about().community.clone())
    }

    fn title(notification: &Notification<Self>) -> String {
        let (who, about) = (notification.who(), notification.data.about());
        match &notification.data {
            Self::Mention(_) => format!("{who} mentioned you in “{}”", about.title),
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
