//! What pages show, shared by server and browser.

use leptos_realtime::FirstView;
use serde::{Deserialize, Serialize};

/// A member of the forum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub id: i64,
    pub name: String,
}

/// A community, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommunitySummary {
    pub id: i64,
    pub slug: String,
    pub name: String,
    pub about: String,
}

/// A board, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardSummary {
    pub id: i64,
    pub slug: String,
    pub name: String,
    pub about: String,
    pub posts: i64,
}

/// A post at a board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    pub id: i64,
    pub author: Person,
    pub title: String,
    pub body: String,
    /// Milliseconds since the Unix epoch.
    pub created: i64,
}

/// A post that a partner community shares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartnerPost {
    /// Where it comes from.
    pub community: CommunitySummary,
    /// The board's slug.
    pub board: String,
    pub post: Post,
}

/// A community's page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CommunityPage {
    pub view: FirstView,
    pub community: CommunitySummary,
    pub boards: Vec<BoardSummary>,
    /// What partners share, the newest first.
    pub partners: Vec<PartnerPost>,
}

/// A board's page: who is here and where the room's order stood, read before the posts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BoardPage {
    pub view: FirstView,
    pub community: CommunitySummary,
    pub boards: Vec<BoardSummary>,
    pub board: BoardSummary,
    /// The newest first.
    pub posts: Vec<Post>,
}
