//! What partners share with a community, as its page shows it.

use leptos_realtime::Realtime;
use sqlx::FromRow;

use super::{
    Forum,
    db::query,
    posts::{PostRow, posts},
};
use crate::{
    api::ApiError,
    model::{
        CommunitySummary, PartnerComment, PartnerPost, PartnerPresence, PartnershipStatus, Person,
    },
    notice::excerpt,
    rooms::Community,
};

/// The most posts, and comments, of partners on a community's page.
const SHOWN: i64 = 5;

#[derive(FromRow)]
struct PartnerRow {
    community: i64,
    community_slug: String,
    community_name: String,
    about: String,
    board: String,
    #[sqlx(flatten)]
    post: PostRow,
}

impl From<PartnerRow> for PartnerPost {
    fn from(row: PartnerRow) -> Self {
        Self {
            community: CommunitySummary {
                id: row.community,
                slug: row.community_slug,
                name: row.community_name,
                about: row.about,
            },
            board: row.board,
            post: row.post.into(),
        }
    }
}

#[derive(FromRow)]
struct PartnerCommentRow {
    community: i64,
    community_slug: String,
    community_name: String,
    about: String,
    board: String,
    post: i64,
    title: String,
    id: i64,
    author: i64,
    author_name: String,
    body: String,
    created: i64,
}

impl From<PartnerCommentRow> for PartnerComment {
    fn from(row: PartnerCommentRow) -> Self {
        Self {
            community: CommunitySummary {
                id: row.community,
                slug: row.community_slug,
                name: row.community_name,
                about: row.about,
            },
            board: row.board,
            post: row.post,
            title: row.title,
            id: row.id,
            author: Person {
                id: row.author,
                name: row.author_name,
            },
            excerpt: excerpt(&row.body),
            created: row.created,
        }
    }
}

impl Forum {
    /// The newest posts that partners share with a community.
    pub(crate) async fn partner_posts(&self, community: i64) -> Result<Vec<PartnerPost>, ApiError> {
        let all = query(posts!(
            "c.id as community, c.slug as community_slug, c.name as community_name, c.about, b.slug as board, ",
            "join board b on b.id = p.board
             join community c on c.id = b.community
             join community_partnership s on s.origin = c.id
             where s.partner = $1 and s.status = 'active' and s.share_posts = 1 and p.deleted is null
             order by p.id desc limit $2"
        ));
        let rows: Vec<PartnerRow> = self.db().all(all.bind(community).bind(SHOWN)).await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// The newest comments that partners share with a community.
    pub(crate) async fn partner_comments(
        &self,
        community: i64,
    ) -> Result<Vec<PartnerComment>, ApiError> {
        let all = query(
            "select o.id as community, o.slug as community_slug, o.name as community_name, o.about, b.slug as board,
                 p.id as post, p.title, c.id, c.author, a.name as author_name, c.body, c.created
             from comment c
             join person a on a.id = c.author
             join post p on p.id = c.post
             join board b on b.id = p.board
             join community o on o.id = b.community
             join community_partnership s on s.origin = o.id
             where s.partner = $1 and s.status = 'active' and s.share_comments = 1
                 and c.deleted is null and p.deleted is null
             order by c.id desc limit $2",
        );
        let rows: Vec<PartnerCommentRow> = self.db().all(all.bind(community).bind(SHOWN)).await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// How many people are in the partner communities that share that.
    pub(crate) async fn partner_presence(
        &self,
        realtime: &Realtime,
        community: i64,
    ) -> Result<Vec<PartnerPresence>, ApiError> {
        let shared = self
            .partnerships(community)
            .await?
            .into_iter()
            .filter(|one| {
                one.partner.id == community
                    && one.status == PartnershipStatus::Active
                    && one.presence
            });
        let mut presence = Vec::new();
        for partnership in shared {
            let community = partnership.origin;
            // Where it cannot be known right now, it is not shown.
            if let Ok(people) = realtime.count(Community(community.id)).await {
                let people = u32::try_from(people).unwrap_or(u32::MAX);
                presence.push(PartnerPresence { community, people });
            }
        }
        Ok(presence)
    }
}
