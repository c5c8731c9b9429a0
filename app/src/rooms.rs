//! The forum's rooms, and what is published in them.

use leptos_realtime::{NoEvent, rooms};
use serde::{Deserialize, Serialize};

use crate::{
    model::{self, Comment, Moderated, PartnerComment, PartnerPost, Tally},
    operators::NodeReport,
};

rooms! {
    /// Everyone in a community, wherever they are in it.
    Community(i64) => CommunityEvent;
    /// Those who keep it in order: `community:{id}:admins`.
    Moderators(i64) in "community":"admins" => ModerationEvent;
    /// Everyone at one board.
    Board(i64) => BoardEvent;
    /// Everyone who reads one post.
    Post(i64) => PostEvent;
    /// Those who look after the site, as far as they look at its instances: [`OPERATORS`].
    Operators(i64) => NoEvent, NodeReport;
}

/// The only one of its kind.
pub const OPERATORS: Operators = Operators(1);

/// What happens at a board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoardEvent {
    /// Somebody posted.
    PostCreated(model::Post),
    /// A post was changed, or deleted.
    PostChanged(model::Post),
    /// Somebody voted on a post.
    Voted { post: i64, votes: Tally },
    /// Somebody commented on a post, or a comment was deleted.
    Commented { post: i64, comments: Tally },
}

/// What happens to a post.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PostEvent {
    /// It was changed, or deleted.
    Changed(model::Post),
    /// Somebody voted on it.
    Voted(Tally),
    /// How many comments there are now.
    Commented(Tally),
    /// Somebody commented on it, or answered a comment.
    CommentCreated(Comment),
    /// A comment was changed, or deleted.
    CommentChanged(Comment),
    /// Somebody voted on a comment.
    CommentVoted { comment: i64, votes: Tally },
}

/// What happens in a community.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommunityEvent {
    /// Somebody posted in a partner community, or changed what they had posted.
    PartnerPost(PartnerPost),
    /// A post there was deleted.
    PartnerPostDeleted { post: i64 },
    /// Somebody commented in a partner community, or changed what they had said.
    PartnerComment(PartnerComment),
    /// A comment there was deleted.
    PartnerCommentDeleted { comment: i64 },
}

/// What concerns those who keep a community in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModerationEvent {
    /// A moderator deleted what somebody else wrote.
    Deleted(Moderated),
}
