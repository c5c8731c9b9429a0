//! Partner communities: what happens in one reaches the people of others, where a partnership allows it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use leptos_realtime::{Notice as Told, Original, RelayError, Relayed, User};

use super::{
    Forum,
    db::{Db, query},
    telling,
};
use crate::{
    Board, BoardEvent, Community, CommunityEvent, Notice, PostEvent,
    model::{Comment, CommunitySummary, PartnerComment, PartnerPost, Post},
    notice::{About, excerpt},
    rooms,
};

/// Under this name the other instances hear that partnerships have changed.
pub const PARTNERSHIPS: &str = "partnerships";

/// What the relay needs to know of a board, kept until partnerships change.
#[derive(Clone, Debug)]
struct Place {
    community: CommunitySummary,
    slug: String,
    /// The communities that may hear of its posts, and of the comments on them.
    posts: Vec<i64>,
    comments: Vec<i64>,
}

#[derive(Debug, Default)]
struct Known {
    places: HashMap<i64, Arc<Place>>,
    /// Counted up whenever all is forgotten: what was read before is not kept after.
    forgotten: u64,
}

/// Answers the realtime module where an event goes besides its own room. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Partners {
    db: Db,
    known: Arc<Mutex<Known>>,
}

impl Partners {
    /// Of this forum.
    #[must_use]
    pub fn new(forum: &Forum) -> Self {
        Self {
            db: forum.db().clone(),
            known: Arc::default(),
        }
    }

    /// Held for a look, never across an await.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Partnerships have changed.
    pub fn forget(&self) {
        let mut known = self.known();
        known.places.clear();
        known.forgotten += 1;
    }

    /// Where an event goes besides.
    ///
    /// # Errors
    /// When the database fails: it is asked again.
    pub async fn relay(self, original: Original) -> Result<Vec<Relayed>, RelayError> {
        // What a newer instance published, that relays.
        if let Some((Board(board), event)) = original.try_read::<Board>()? {
            return match event {
                BoardEvent::PostCreated(post) => self.relay_post(board, post, true).await,
                BoardEvent::PostChanged(post) => self.relay_post(board, post, false).await,
                _ => Ok(Vec::new()),
            };
        }
        match original.try_read::<rooms::Post>()? {
            Some((
                rooms::Post(post),
                PostEvent::CommentCreated(comment) | PostEvent::CommentChanged(comment),
            )) => self.relay_comment(post, comment).await,
            _ => Ok(Vec::new()),
        }
    }

    async fn relay_post(
        &self,
        board: i64,
        post: Post,
        is_new: bool,
    ) -> Result<Vec<Relayed>, RelayError> {
        let Some(place) = self.place(board).await? else {
            return Ok(Vec::new());
        };
        let origin = &place.community;
        if post.deleted {
            let gone = CommunityEvent::PartnerPostDeleted { post: post.id };
            // Its comments go with it.
            let mut partners = [&place.posts[..], &place.comments].concat();
            partners.sort_unstable();
            partners.dedup();
            return to_all(&partners, &gone, &origin.name);
        }
        // Where it was asked for late, it may be deleted since.
        let there = query("select id from post where id = $1 and deleted is null").bind(post.id);
        if self.db.maybe::<(i64,)>(there).await?.is_none() {
            return Ok(Vec::new());
        }
        let shared = CommunityEvent::PartnerPost(PartnerPost {
            community: origin.clone(),
            board: place.slug.clone(),
            post: post.clone(),
        });
        let notice = Notice::PartnerPost(About::post(&origin.slug, &place.slug, &post));
        let author = User::new(post.author.id, post.author.name.clone());
        let mut relayed = Vec::new();
        for partner in &place.posts {
            relayed.push(Relayed::event(
                Community(*partner),
                &shared,
                origin.name.clone(),
            )?);
            let people = match is_new {
                true => self.only_in(*partner, origin.id).await?,
                false => Vec::new(),
            };
            if !people.is_empty() {
                let told = Told::new(&notice)
                    .by(&author)
                    .origin(origin.name.clone())
                    .key(telling::partner_key(post.id));
                relayed.push(Relayed::notify(people, told)?);
            }
        }
        Ok(relayed)
    }

    /// The comment is shown there; nobody is told of each, as they are of posts.
    async fn relay_comment(&self, post: i64, comment: Comment) -> Result<Vec<Relayed>, RelayError> {
        let found = query("select board, title from post where id = $1 and deleted is null");
        let found: Option<(i64, String)> = self.db.maybe(found.bind(post)).await?;
        let Some((board, title)) = found else {
            return Ok(Vec::new());
        };
        let Some(place) = self.place(board).await? else {
            return Ok(Vec::new());
        };
        let origin = &place.community.name;
        if comment.deleted {
            let comment = comment.id;
            let gone = CommunityEvent::PartnerCommentDeleted { comment };
            return to_all(&place.comments, &gone, origin);
        }
        let shared = CommunityEvent::PartnerComment(PartnerComment {
            community: place.community.clone(),
            board: place.slug.clone(),
            post,
            title,
            id: comment.id,
            author: comment.author,
            excerpt: excerpt(&comment.body),
            created: comment.created,
        });
        to_all(&place.comments, &shared, origin)
    }

    /// A board, and who may hear of what is written there.
    async fn place(&self, board: i64) -> Result<Option<Arc<Place>>, sqlx::Error> {
        let forgotten = {
            let known = self.known();
            if let Some(place) = known.places.get(&board) {
                return Ok(Some(place.clone()));
            }
            known.forgotten
        };
        let found = query(
            "select c.id, c.slug, c.name, c.about, b.slug
             from board b join community c on c.id = b.community where b.id = $1",
        );
        let found: Option<(i64, String, String, String, String)> =
            self.db.maybe(found.bind(board)).await?;
        let Some((id, slug, name, about, board_slug)) = found else {
            return Ok(None);
        };
        let partners = query(
            "select partner, share_posts, share_comments from community_partnership
             where origin = $1 and status = 'active' order by partner",
        );
        let partners: Vec<(i64, i64, i64)> = self.db.all(partners.bind(id)).await?;
        let with = |shares: fn(&(i64, i64, i64)) -> i64| {
            let sharing = partners.iter().filter(|partner| shares(partner) == 1);
            sharing.map(|(id, ..)| *id).collect()
        };
        let place = Arc::new(Place {
            posts: with(|partner| partner.1),
            comments: with(|partner| partner.2),
            community: CommunitySummary {
                id,
                slug,
                name,
                about,
            },
            slug: board_slug,
        });
        let mut known = self.known();
        if known.forgotten == forgotten {
            known.places.insert(board, place.clone());
        }
        Ok(Some(place))
    }

    /// The members of a community who are not members of another: these hear of it there.
    async fn only_in(&self, community: i64, other: i64) -> Result<Vec<i64>, sqlx::Error> {
        let people = query(
            "select person from membership where community = $1
             except select person from membership where community = $2",
        );
        let people: Vec<(i64,)> = self.db.all(people.bind(community).bind(other)).await?;
        Ok(people.into_iter().map(|(person,)| person).collect())
    }
}

/// To everyone in these communities.
fn to_all(
    partners: &[i64],
    event: &CommunityEvent,
    origin: &str,
) -> Result<Vec<Relayed>, RelayError> {
    let relayed = partners
        .iter()
        .map(|partner| Relayed::event(Community(*partner), event, origin).map_err(Into::into));
    relayed.collect()
}

#[cfg(test)]
mod tests {
    use leptos_realtime::{Realtime, RealtimeConfig};
    use rand::{Rng, SeedableRng, rngs::StdRng};

    use super::*;
    use crate::{
        backend::testing::{on_both, settled},
        model::Person,
    };

    /// Random partnerships and members. Returns the communities, and which pairs may share posts and comments.
    async fn seed(forum: &Forum, rng: &mut StdRng) -> (Vec<i64>, Vec<(i64, i64)>, Vec<(i64, i64)>) {
        let db = forum.db();
        for table in [
            "delete from community_partnership",
            "delete from membership",
        ] {
            db.run(query(table)).await.unwrap();
        }
        let communities = ids(db, "select id from community order by id").await;
        let (mut posts, mut comments) = (Vec::new(), Vec::new());
        for origin in &communities {
            for partner in communities.iter().filter(|partner| *partner != origin) {
                let status = ["proposed", "active", "active", "ended"][rng.random_range(0..4)];
                let (share_posts, share_comments) = (rng.random_bool(0.7), rng.random_bool(0.5));
                let new = query(
                    "insert into community_partnership (origin, partner, status, share_posts, share_comments, created)
                     values ($1, $2, $3, $4, $5, 0)",
                );
                let new = new.bind(*origin).bind(*partner).bind(status);
                db.run(new.bind(share_posts).bind(share_comments))
                    .await
                    .unwrap();
                if status == "active" && share_posts {
                    posts.push((*origin, *partner));
                }
                if status == "active" && share_comments {
                    comments.push((*origin, *partner));
                }
            }
        }
        for person in ids(db, "select id from person order by id").await {
            for community in communities.iter().filter(|_| rng.random_bool(0.4)) {
                let new = query("insert into membership (community, person) values ($1, $2)");
                db.run(new.bind(*community).bind(person)).await.unwrap();
            }
        }
        (communities, posts, comments)
    }

    async fn ids(db: &Db, sql: &'static str) -> Vec<i64> {
        let rows: Vec<(i64,)> = db.all(query(sql)).await.unwrap();
        rows.into_iter().map(|(id,)| id).collect()
    }

    on_both!(nothing_reaches_a_community_that_no_active_partnership_allows);

    /// Whatever partnerships there are: nothing reaches a community that none allows, and everything the others.
    async fn nothing_reaches_a_community_that_no_active_partnership_allows(forum: Forum) {
        let partners = Partners::new(&forum);
        let relay = partners.clone();
        let realtime = Realtime::builder(RealtimeConfig::default())
            .authenticate(|_| async { Ok(None::<User>) })
            .authorize(|_, rooms, _| async move { Ok(rooms) })
            .database(forum.database())
            .relay(move |original| relay.clone().relay(original))
            .start()
            .await
            .unwrap();
        let author = Person {
            id: 1,
            name: "Maren Holt".to_owned(),
        };
        let (mut posts, mut comments) = (Vec::new(), Vec::new());
        // Partnerships change between the rounds.
        for number in 0..12 {
            let mut rng = StdRng::seed_from_u64(number);
            let (communities, share_posts, share_comments) = seed(&forum, &mut rng).await;
            partners.forget();
            for origin in communities {
                let board = forum.boards(origin).await.unwrap().remove(0).id;
                let title = format!("{}", posts.len());
                let post = forum
                    .create_post(&realtime, board, &author, &title, "…")
                    .await;
                let post = post.unwrap().id;
                let comment = forum
                    .create_comment(&realtime, post, None, &author, "…")
                    .await;
                let comment = comment.unwrap().id;
                let to = share_posts.iter().filter(|(from, _)| *from == origin);
                posts.extend(to.map(|(_, to)| (post, *to)));
                let to = share_comments.iter().filter(|(from, _)| *from == origin);
                comments.extend(to.map(|(_, to)| (comment, *to)));
            }
            settled(&forum).await;
        }
        let relayed = query(
            "select room, data from realtime_outbox where room like 'community:%' order by id",
        );
        let relayed: Vec<(String, String)> = forum.db().all(relayed).await.unwrap();
        let (mut of_posts, mut of_comments) = (Vec::new(), Vec::new());
        for (room, data) in relayed {
            let to: i64 = room["community:".len()..].parse().unwrap();
            match serde_json::from_str(&data).unwrap() {
                CommunityEvent::PartnerPost(shared) => of_posts.push((shared.post.id, to)),
                CommunityEvent::PartnerComment(shared) => of_comments.push((shared.id, to)),
                deleted => panic!("nothing was deleted: {deleted:?}"),
            }
        }
        for list in [&mut of_posts, &mut of_comments, &mut posts, &mut comments] {
            list.sort_unstable();
        }
        assert_eq!(of_posts, posts);
        assert_eq!(of_comments, comments);
        let told = query(
            "select count(*) from realtime_notification where kind = 'partner_post' and user_id = '1'",
        );
        let (told,): (i64,) = forum.db().one(told).await.unwrap();
        assert_eq!(told, 0, "not who wrote it");
        realtime.shutdown().await;
    }
}
