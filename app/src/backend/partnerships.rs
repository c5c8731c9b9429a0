//! Partnerships between communities, as their admins make and end them. What comes of them is in `partners` and `shared`.
//!
//! A partnership has a direction. Admins of the origin propose it and say what it shares; it is active once an admin of
//! the partner accepts it, and either side may end it.

use leptos_realtime::Realtime;
use sqlx::FromRow;

use super::{Forum, PARTNERSHIPS, clock::now, db::query};
use crate::{
    api::ApiError,
    model::{CommunitySummary, Partnership, PartnershipStatus},
};

/// What a partnership shares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shares {
    pub(crate) posts: bool,
    pub(crate) comments: bool,
    pub(crate) presence: bool,
}

#[derive(FromRow)]
struct PartnershipRow {
    origin: i64,
    origin_slug: String,
    origin_name: String,
    origin_about: String,
    partner: i64,
    partner_slug: String,
    partner_name: String,
    partner_about: String,
    status: String,
    share_posts: i64,
    share_comments: i64,
    share_presence: i64,
}

impl From<PartnershipRow> for Partnership {
    fn from(row: PartnershipRow) -> Self {
        Self {
            origin: CommunitySummary {
                id: row.origin,
                slug: row.origin_slug,
                name: row.origin_name,
                about: row.origin_about,
            },
            partner: CommunitySummary {
                id: row.partner,
                slug: row.partner_slug,
                name: row.partner_name,
                about: row.partner_about,
            },
            status: match row.status.as_str() {
                "active" => PartnershipStatus::Active,
                "proposed" => PartnershipStatus::Proposed,
                _ => PartnershipStatus::Ended,
            },
            posts: row.share_posts == 1,
            comments: row.share_comments == 1,
            presence: row.share_presence == 1,
        }
    }
}

impl Forum {
    /// A community's partnerships, in both directions; those that ended are left out.
    pub(crate) async fn partnerships(&self, community: i64) -> Result<Vec<Partnership>, ApiError> {
        let all = query(
            "select s.origin, o.slug as origin_slug, o.name as origin_name, o.about as origin_about,
                 s.partner, p.slug as partner_slug, p.name as partner_name, p.about as partner_about,
                 s.status, s.share_posts, s.share_comments, s.share_presence
             from community_partnership s
             join community o on o.id = s.origin
             join community p on p.id = s.partner
             where (s.origin = $1 or s.partner = $1) and s.status <> 'ended'
             order by s.origin, s.partner",
        );
        let rows: Vec<PartnershipRow> = self.db().all(all.bind(community)).await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// An admin of the origin proposes a partnership, or says what an existing one shares.
    pub(crate) async fn share_with(
        &self,
        realtime: &Realtime,
        admin: i64,
        origin: i64,
        partner: i64,
        shares: Shares,
    ) -> Result<(), ApiError> {
        self.require_admin(origin, admin).await?;
        if origin == partner {
            return Err(ApiError::Invalid(
                "A community is no partner of its own.".to_owned(),
            ));
        }
        if self.existing_communities(&[partner]).await?.is_empty() {
            return Err(ApiError::NotFound);
        }
        // One that ended is proposed anew; the others stay what they are.
        let shared = query(
            "insert into community_partnership (origin, partner, status, share_posts, share_comments, share_presence, created)
             values ($1, $2, 'proposed', $3, $4, $5, $6)
             on conflict (origin, partner) do update set
                 share_posts = excluded.share_posts,
                 share_comments = excluded.share_comments,
                 share_presence = excluded.share_presence,
                 status = case community_partnership.status when 'ended' then 'proposed' else community_partnership.status end",
        );
        let shared = shared.bind(origin).bind(partner).bind(shares.posts);
        let shared = shared
            .bind(shares.comments)
            .bind(shares.presence)
            .bind(now());
        self.db().run(shared).await?;
        realtime.invalidate(PARTNERSHIPS).await;
        Ok(())
    }

    /// An admin of the partner accepts what was proposed.
    pub(crate) async fn accept_partnership(
        &self,
        realtime: &Realtime,
        admin: i64,
        origin: i64,
        partner: i64,
    ) -> Result<(), ApiError> {
        self.require_admin(partner, admin).await?;
        let accepted = query(
            "update community_partnership set status = 'active'
             where origin = $1 and partner = $2 and status = 'proposed'",
        );
        if self.db().run(accepted.bind(origin).bind(partner)).await? == 0 {
            return Err(ApiError::Invalid(
                "This is not proposed any more.".to_owned(),
            ));
        }
        realtime.invalidate(PARTNERSHIPS).await;
        Ok(())
    }

    /// An admin of either side ends a partnership.
    pub(crate) async fn end_partnership(
        &self,
        realtime: &Realtime,
        admin: i64,
        origin: i64,
        partner: i64,
    ) -> Result<(), ApiError> {
        if self.require_admin(origin, admin).await.is_err() {
            self.require_admin(partner, admin).await?;
        }
        let ended = query(
            "update community_partnership set status = 'ended' where origin = $1 and partner = $2",
        );
        self.db().run(ended.bind(origin).bind(partner)).await?;
        realtime.invalidate(PARTNERSHIPS).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backend::testing::{on_both, person, realtime},
        model::Role,
    };

    on_both!(a_partnership_is_proposed_by_one_side_and_accepted_by_the_other);

    async fn a_partnership_is_proposed_by_one_side_and_accepted_by_the_other(forum: Forum) {
        let realtime = realtime(&forum).await;
        let of = |slug: &'static str| {
            let forum = forum.clone();
            async move { forum.community(slug).await.unwrap().id }
        };
        let (harbour, orchard) = (of("harbour").await, of("orchard").await);
        let ada = person(&forum, "Ada", "harbour", Role::Admin).await.id;
        let bob = person(&forum, "Bob", "orchard", Role::Admin).await.id;
        let mo = person(&forum, "Mo", "harbour", Role::Moderator).await.id;
        let posts = Shares {
            posts: true,
            ..Shares::default()
        };
        for stranger in [bob, mo] {
            let denied = forum
                .share_with(&realtime, stranger, harbour, orchard, posts)
                .await;
            assert!(matches!(denied, Err(ApiError::Denied(_))), "{denied:?}");
        }
        assert!(
            forum
                .share_with(&realtime, ada, harbour, harbour, posts)
                .await
                .is_err()
        );
        assert_eq!(
            forum.share_with(&realtime, ada, harbour, 999, posts).await,
            Err(ApiError::NotFound)
        );
        forum
            .share_with(&realtime, ada, harbour, orchard, posts)
            .await
            .unwrap();
        assert!(
            forum.partner_posts(orchard).await.unwrap().is_empty(),
            "it is only proposed"
        );
        let own = forum
            .accept_partnership(&realtime, ada, harbour, orchard)
            .await;
        assert!(matches!(own, Err(ApiError::Denied(_))), "{own:?}");
        forum
            .accept_partnership(&realtime, bob, harbour, orchard)
            .await
            .unwrap();
        assert!(!forum.partner_posts(orchard).await.unwrap().is_empty());
        assert!(
            forum.partner_comments(orchard).await.unwrap().is_empty(),
            "not shared"
        );
        assert!(
            forum
                .partner_posts(harbour)
                .await
                .unwrap()
                .iter()
                .all(|post| post.community.id != orchard)
        );

        let nothing = Shares::default();
        forum
            .share_with(&realtime, ada, harbour, orchard, nothing)
            .await
            .unwrap();
        let listed = forum.partnerships(orchard).await.unwrap();
        let found = listed.iter().find(|one| one.origin.id == harbour).unwrap();
        assert_eq!(
            (found.status, found.posts),
            (PartnershipStatus::Active, false)
        );
        assert!(forum.partner_posts(orchard).await.unwrap().is_empty());
        forum
            .end_partnership(&realtime, bob, harbour, orchard)
            .await
            .unwrap();
        assert!(
            forum
                .partnerships(orchard)
                .await
                .unwrap()
                .iter()
                .all(|one| one.origin.id != harbour)
        );
        forum
            .share_with(&realtime, ada, harbour, orchard, posts)
            .await
            .unwrap();
        assert!(
            forum.partner_posts(orchard).await.unwrap().is_empty(),
            "to be accepted again"
        );
        realtime.shutdown().await;
    }
}
