//! What pages show, shared by server and browser.

use leptos_realtime::{FirstView, Member, Position};
use serde::{Deserialize, Serialize};

/// A member of the forum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub id: i64,
    pub name: String,
}

/// Who is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    #[serde(flatten)]
    pub person: Person,
    /// Whether they look after the site, and see its operator page. A release without that page says nothing of it.
    #[serde(default)]
    pub operator: bool,
}

/// What somebody may do in a community: each more than the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Belongs to it.
    Member,
    /// May delete what others wrote.
    Moderator,
    /// Decides about partners and roles too.
    Admin,
}

/// Who looks at a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Viewer {
    pub person: Person,
    /// In the page's community, where they belong to it.
    pub role: Option<Role>,
}

impl Viewer {
    /// Whether they may delete what others wrote.
    #[must_use]
    pub fn moderates(&self) -> bool {
        self.role >= Some(Role::Moderator)
    }

    /// Whether they decide about partners and roles.
    #[must_use]
    pub fn administers(&self) -> bool {
        self.role >= Some(Role::Admin)
    }

    /// Whether they may delete what this person wrote.
    #[must_use]
    pub fn may_delete(&self, author: &Person) -> bool {
        self.person.id == author.id || self.moderates()
    }
}

/// A browser in which somebody is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// By which it can be ended; nobody signs in by it.
    pub id: String,
    /// In words for its owner.
    pub device: String,
    /// Milliseconds since the Unix epoch.
    pub created: i64,
    /// When it was last used, give or take an hour.
    pub seen: i64,
    /// Whether it is the one that asks.
    pub here: bool,
}

/// A community, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommunitySummary {
    pub id: i64,
    pub slug: String,
    pub name: String,
    pub about: String,
}

/// A community on the page of all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommunityCard {
    pub community: CommunitySummary,
    /// Who was there when it was asked, where the viewer may know.
    pub people: Option<Crowd>,
    /// The newest post.
    pub last: Option<LastPost>,
}

/// Who is somewhere, as of some moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crowd {
    pub count: u32,
    /// The first few of them.
    pub faces: Vec<Member>,
}

/// The newest post of a board, or of a community.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastPost {
    pub id: i64,
    pub board: i64,
    /// Its address.
    pub href: String,
    pub title: String,
    /// The name of who wrote it.
    pub author: String,
    /// Milliseconds since the Unix epoch.
    pub created: i64,
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

/// A number that people change together, such as votes. Of two the one with the higher version counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub count: i64,
    pub version: i64,
}

impl Tally {
    /// Takes a newer number.
    pub fn follow(&mut self, other: Self) {
        if other.version > self.version {
            *self = other;
        }
    }
}

/// A post at a board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    pub id: i64,
    pub author: Person,
    pub title: String,
    /// As it was written; empty where it is deleted.
    pub body: String,
    /// As it is shown: sanitised.
    pub html: String,
    /// Milliseconds since the Unix epoch.
    pub created: i64,
    /// When it was last changed, if it was.
    pub edited: Option<i64>,
    pub deleted: bool,
    /// Counts the changes of its text.
    pub version: i64,
    /// Votes for it, less those against.
    pub votes: Tally,
    pub comments: Tally,
}

impl Post {
    /// Takes what is newer in another reading of the same post.
    pub fn follow(&mut self, other: Self) {
        let (mut votes, mut comments) = (self.votes, self.comments);
        votes.follow(other.votes);
        comments.follow(other.comments);
        if other.version > self.version {
            *self = other;
        }
        (self.votes, self.comments) = (votes, comments);
    }
}

/// A comment on a post, or an answer to another comment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    pub id: i64,
    /// The comment that it answers; without one it answers the post.
    pub parent: Option<i64>,
    pub author: Person,
    /// As it was written; empty where it is deleted.
    pub body: String,
    /// As it is shown: sanitised.
    pub html: String,
    /// Milliseconds since the Unix epoch.
    pub created: i64,
    /// When it was last changed, if it was.
    pub edited: Option<i64>,
    pub deleted: bool,
    /// Counts the changes of its text.
    pub version: i64,
    /// Votes for it, less those against.
    pub votes: Tally,
}

impl Comment {
    /// Takes what is newer in another reading of the same comment.
    pub fn follow(&mut self, other: Self) {
        let mut votes = self.votes;
        votes.follow(other.votes);
        if other.version > self.version {
            *self = other;
        }
        self.votes = votes;
    }
}

/// What can be voted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    Post,
    Comment,
}

impl Subject {
    /// As it stands in forms and in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Post => "post",
            Self::Comment => "comment",
        }
    }
}

/// What is left of something that was deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deleted {
    Post(Post),
    Comment(Comment),
}

/// What became of a vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voted {
    pub votes: Tally,
    /// The person's own: 1, -1, or 0 for none.
    pub mine: i64,
}

/// One page of posts, the newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posts {
    pub list: Vec<Post>,
    /// The viewer's own votes, by post.
    pub mine: Vec<(i64, i64)>,
    /// Where older ones begin, if there are any.
    pub next: Option<i64>,
}

/// One page of comments, the oldest first: so that a comment comes after the one that it answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comments {
    pub list: Vec<Comment>,
    /// The viewer's own votes, by comment.
    pub mine: Vec<(i64, i64)>,
    /// Where newer ones begin, if there are any.
    pub next: Option<i64>,
}

/// Where something comes from that a partner community shares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartnerPost {
    pub community: CommunitySummary,
    /// The board's slug.
    pub board: String,
    pub post: Post,
}

/// A comment that a partner community shares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartnerComment {
    /// Where it comes from.
    pub community: CommunitySummary,
    /// The board's slug.
    pub board: String,
    pub post: i64,
    /// The post's title.
    pub title: String,
    pub id: i64,
    pub author: Person,
    /// How it begins.
    pub excerpt: String,
    /// Milliseconds since the Unix epoch.
    pub created: i64,
}

/// A partner community that shares how many people are there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartnerPresence {
    pub community: CommunitySummary,
    pub people: u32,
}

/// What a moderator did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moderated {
    pub id: i64,
    pub moderator: Person,
    /// What was deleted, whose it was, and where.
    pub subject: Subject,
    pub author: Person,
    /// The post's title.
    pub title: String,
    /// The post's address.
    pub href: String,
    /// Milliseconds since the Unix epoch.
    pub created: i64,
}

/// How far a partnership has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartnershipStatus {
    Proposed,
    Active,
    Ended,
}

/// One direction of a partnership: what happens in the origin is told to the partner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partnership {
    pub origin: CommunitySummary,
    pub partner: CommunitySummary,
    pub status: PartnershipStatus,
    pub posts: bool,
    pub comments: bool,
    /// How many people are there.
    pub presence: bool,
}

/// A member of a community, as its admins see them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    pub person: Person,
    pub role: Role,
}

/// What a community's admins decide.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ManagePage {
    pub community: CommunitySummary,
    pub boards: Vec<BoardSummary>,
    /// In both directions.
    pub partnerships: Vec<Partnership>,
    /// Whom a partnership could be proposed to.
    pub others: Vec<CommunitySummary>,
    pub members: Vec<Membership>,
    pub viewer: Person,
}

/// A community's page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CommunityPage {
    pub view: FirstView,
    pub community: CommunitySummary,
    pub boards: Vec<BoardSummary>,
    /// The newest post of each board that has one.
    pub latest: Vec<LastPost>,
    /// What partners share, the newest first.
    pub partners: Vec<PartnerPost>,
    pub partner_comments: Vec<PartnerComment>,
    pub partner_presence: Vec<PartnerPresence>,
    /// Whether everybody may join.
    pub open: bool,
    pub viewer: Option<Viewer>,
    /// For moderators.
    pub moderation: Option<Moderation>,
}

/// What moderators did in a community, and where the order of their room stood before it was read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Moderation {
    pub since: Position,
    /// The newest first.
    pub list: Vec<Moderated>,
}

/// A board's page: who is here and where the room's order stood, read before the posts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BoardPage {
    pub view: FirstView,
    pub community: CommunitySummary,
    pub boards: Vec<BoardSummary>,
    pub board: BoardSummary,
    pub posts: Posts,
    pub viewer: Option<Viewer>,
}

/// A post's page, read as a board's is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PostPage {
    pub view: FirstView,
    pub community: CommunitySummary,
    pub boards: Vec<BoardSummary>,
    pub board: BoardSummary,
    pub post: Post,
    /// The viewer's own vote on it.
    pub mine: i64,
    pub comments: Comments,
    pub viewer: Option<Viewer>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(count: i64, version: i64) -> Tally {
        Tally { count, version }
    }

    #[test]
    fn of_two_readings_of_a_post_the_newer_text_and_the_newer_numbers_count() {
        let ada = Person {
            id: 7,
            name: "Ada".into(),
        };
        let post = |version: i64, votes: Tally, comments: Tally| Post {
            id: 1,
            author: ada.clone(),
            title: format!("The {version}"),
            body: String::new(),
            html: String::new(),
            created: 0,
            edited: None,
            deleted: false,
            version,
            votes,
            comments,
        };
        let mut shown = post(2, tally(5, 9), tally(1, 1));
        shown.follow(post(1, tally(6, 10), tally(9, 0)));
        assert_eq!(shown, post(2, tally(6, 10), tally(1, 1)));
        shown.follow(post(3, tally(1, 2), tally(2, 2)));
        assert_eq!(shown, post(3, tally(6, 10), tally(2, 2)));
    }

    #[test]
    fn moderators_may_what_members_may_not_and_admins_may_both() {
        let viewer = |role| Viewer {
            person: Person {
                id: 1,
                name: String::new(),
            },
            role,
        };
        let (own, other) = (
            Person {
                id: 1,
                name: String::new(),
            },
            Person {
                id: 2,
                name: String::new(),
            },
        );
        for role in [None, Some(Role::Member)] {
            assert!(!viewer(role).moderates() && !viewer(role).may_delete(&other));
            assert!(viewer(role).may_delete(&own));
        }
        assert!(viewer(Some(Role::Moderator)).may_delete(&other));
        assert!(!viewer(Some(Role::Moderator)).administers());
        assert!(viewer(Some(Role::Admin)).moderates() && viewer(Some(Role::Admin)).administers());
    }

    #[test]
    fn pages_and_instances_of_the_release_before_read_who_is_signed_in() {
        let ada = Person {
            id: 7,
            name: "Ada".to_owned(),
        };
        let account = Account {
            person: ada.clone(),
            operator: true,
        };
        let now = serde_json::to_string(&account).unwrap();
        assert_eq!(serde_json::from_str::<Person>(&now).unwrap(), ada);
        assert_eq!(serde_json::from_str::<Account>(&now).unwrap(), account);
        let before = serde_json::to_string(&ada).unwrap();
        let read: Account = serde_json::from_str(&before).unwrap();
        assert_eq!((read.person, read.operator), (ada, false));
    }
}
