//! What the forum notifies people of.

use leptos_realtime::{Notification, NotificationData, NotificationKind};
use serde::{Deserialize, Serialize};

/// Something that concerns a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// They were mentioned in a post or a comment.
    Mention(About),
    /// Somebody answered their post or comment.
    Reply(About),
    /// Somebody posted in a partner community of theirs.
    PartnerPost(About),
}

/// A post or a comment, as a notification tells of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The community's slug.
    pub community: String,
    /// The board's slug.
    pub board: String,
    /// The post.
    pub post: i64,
    /// The comment on it, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<i64>,
    /// The post's title.
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
            comment: None,
            title: post.title.clone(),
            excerpt: excerpt(&post.body),
        }
    }

    /// A comment on a post.
    #[cfg(feature = "ssr")]
    #[must_use]
    pub fn comment(
        community: &str,
        board: &str,
        post: &crate::Post,
        comment: &crate::Comment,
    ) -> Self {
        Self {
            comment: Some(comment.id),
            excerpt: excerpt(&comment.body),
            ..Self::post(community, board, post)
        }
    }
}

/// The most characters of a post that a notification shows.
#[cfg(feature = "ssr")]
const EXCERPT: usize = 140;

/// How a text begins, on one line, without what makes it bold or a link.
#[cfg(feature = "ssr")]
pub(crate) fn excerpt(text: &str) -> String {
    let text = crate::backend::plain_text(text);
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
            NotificationKind::new("reply", "Somebody answers you"),
            NotificationKind::new("mention", "Somebody mentions you"),
            NotificationKind::new("partner_post", "Posts in partner communities"),
        ]
    }

    /// Whether whoever has seen this post has seen what this tells of.
    pub(crate) fn is_of(&self, post: i64) -> bool {
        // Of a lively neighbour there may be more than this post.
        !matches!(self, Self::PartnerPost(_)) && self.about().post == post
    }

    fn about(&self) -> &About {
        match self {
            Self::Mention(about) | Self::Reply(about) | Self::PartnerPost(about) => about,
        }
    }
}

impl NotificationData for Notice {
    fn kind(&self) -> &'static str {
        match self {
            Self::Mention(_) => "mention",
            Self::Reply(_) => "reply",
            Self::PartnerPost(_) => "partner_post",
        }
    }

    fn subject(&self) -> Option<String> {
        match self {
            Self::Mention(about) => Some(format!("post:{}", about.post)),
            Self::Reply(about) => Some(format!("replies:{}", about.post)),
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
            Self::Reply(_) => format!("{who} answered you in “{}”", about.title),
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
            comment,
            ..
        } = notification.data.about();
        let place = comment.map_or_else(String::new, |comment| format!("#comment-{comment}"));
        Some(format!("/c/{community}/{board}/{post}{place}"))
    }
}
