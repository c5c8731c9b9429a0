//! Partner communities: what happens in one reaches the people of others, where a partnership allows it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use leptos_realtime::{Notice as Told, Original, RelayError, Relayed, User};
use sqlx::SqlitePool;

use super::Forum;
use crate::{
    Board, BoardEvent, Community, CommunityEvent, Notice,
    model::{CommunitySummary, PartnerPost, Post},
    notice::About,
};

/// Under this name the other instances hear that partnerships have changed.
pub const PARTNERSHIPS: &str = "partnerships";

/// What the relay needs to know of a board, kept until partnerships change.
#[derive(Clone, Debug)]
struct Place {
    community: CommunitySummary,
    slug: String,
    /// The communities that may hear of its posts.
    partners: Vec<i64>,
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
    pool: SqlitePool,
    known: Arc<Mutex<Known>>,
}

impl Partners {
    /// Of this forum.
    #[must_use]
    pub fn new(forum: &Forum) -> Self {
        Self {
            pool: forum.pool(),
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
        match original.read::<Board>() {
            Some((Board(board), BoardEvent::PostCreated(post))) => {
                self.relay_post(board, post).await
            }
            None => Ok(Vec::new()),
        }
    }

    async fn relay_post(&self, board: i64, post: Post) -> Result<Vec<Relayed>, RelayError> {
        let Some(place) = self.place(board).await? else {
            return Ok(Vec::new());
        };
        let origin = &place.community;
        let shared = CommunityEvent::PartnerPost(PartnerPost {
            community: origin.clone(),
            board: place.slug.clone(),
            post: post.clone(),
        });
        let notice = Notice::PartnerPost(About::post(&origin.slug, &place.slug, &post));
        let author = User::new(post.author.id, post.author.name.clone());
        let mut relayed = Vec::new();
        for partner in &place.partners {
            relayed.push(Relayed::event(
                Community(*partner),
                &shared,
                origin.name.clone(),
            )?);
            let people = self.only_in(*partner, origin.id).await?;
            if !people.is_empty() {
                let told = Told::new(&notice)
                    .by(&author)
                    .origin(origin.name.clone())
                    .key(format!("partner:{}", post.id));
                relayed.push(Relayed::notify(people, told)?);
            }
        }
        Ok(relayed)
    }

    /// A board, and who may hear of its posts.
    async fn place(&self, board: i64) -> Result<Option<Arc<Place>>, sqlx::Error> {
        let forgotten = {
            let known = self.known();
            if let Some(place) = known.places.get(&board) {
                return Ok(Some(place.clone()));
            }
            known.forgotten
        };
        let found: Option<(i64, String, String, String, String)> = sqlx::query_as(
            "select c.id, c.slug, c.name, c.about, b.slug
             from board b join community c on c.id = b.community where b.id = $1",
        )
        .bind(board)
        .fetch_optional(&self.pool)
        .await?;
        let Some((id, slug, name, about, board_slug)) = found else {
            return Ok(None);
        };
        let partners = sqlx::query_scalar(
            "select partner from community_partnership
             where origin = $1 and status = 'active' and share_posts = 1 order by partner",
        )
        .bind(id)
        .fetch_all(&self.pool)
        .await?;
        let place = Arc::new(Place {
            community: CommunitySummary {
                id,
                slug,
                name,
                about,
            },
            slug: board_slug,
            partners,
        });
        let mut known = self.known();
        if known.forgotten == forgotten {
            known.places.insert(board, place.clone());
        }
        Ok(Some(place))
    }

    /// The members of a community who are not members of another: these hear of it there.
    async fn only_in(&self, community: i64, other: i64) -> Result<Vec<i64>, sqlx::Error> {
        sqlx::query_scalar(
            "select person from membership where community = $1
             except select person from membership where community = $2",
        )
        .bind(community)
        .bind(other)
        .fetch_all(&self.pool)
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use leptos_realtime::{Realtime, RealtimeConfig};
    use rand::{Rng, SeedableRng, rngs::StdRng};

    use super::*;
    use crate::model::Person;

    async fn seed(forum: &Forum, rng: &mut StdRng) -> (Vec<i64>, Vec<(i64, i64)>) {
        let pool = forum.pool();
        for table in [
            "delete from community_partnership",
            "delete from membership",
        ] {
            sqlx::query(table).execute(&pool).await.unwrap();
        }
        let communities: Vec<i64> = sqlx::query_scalar("select id from community order by id")
            .fetch_all(&pool)
            .await
            .unwrap();
        let mut allowed = Vec::new();
        for origin in &communities {
            for partner in communities.iter().filter(|partner| *partner != origin) {
                let status = ["proposed", "active", "active", "ended"][rng.random_range(0..4)];
                let posts = rng.random_bool(0.7);
                sqlx::query("insert into community_partnership (origin, partner, status, share_posts, created) values ($1, $2, $3, $4, 0)")
                    .bind(origin)
                    .bind(partner)
                    .bind(status)
                    .bind(i64::from(posts))
                    .execute(&pool)
                    .await
                    .unwrap();
                if status == "active" && posts {
                    allowed.push((*origin, *partner));
                }
            }
        }
        let people: Vec<i64> = sqlx::query_scalar("select id from person order by id")
            .fetch_all(&pool)
            .await
            .unwrap();
        for person in people {
            for community in communities.iter().filter(|_| rng.random_bool(0.4)) {
                sqlx::query("insert into membership (community, person) values ($1, $2)")
                    .bind(community)
                    .bind(person)
                    .execute(&pool)
                    .await
                    .unwrap();
            }
        }
        (communities, allowed)
    }

    /// Whatever partnerships there are: nothing reaches a community that none allows, and everything the others.
    #[tokio::test]
    async fn nothing_reaches_a_community_that_no_active_partnership_allows() {
        for number in 0..12 {
            let mut rng = StdRng::seed_from_u64(number);
            let forum = Forum::open("sqlite::memory:").await.unwrap();
            let partners = Partners::new(&forum);
            let relay = partners.clone();
            let realtime = Realtime::builder(RealtimeConfig::default())
                .authenticate(|_| async { Ok(None::<User>) })
                .authorize(|_, rooms, _| async move { Ok(rooms) })
                .database(forum.pool())
                .relay(move |original| relay.clone().relay(original))
                .start()
                .await
                .unwrap();
            let mut expected = Vec::new();
            let author = Person {
                id: 1,
                name: "Maren Holt".to_owned(),
            };
            // Partnerships change between the rounds.
            for _ in 0..2 {
                let (communities, allowed) = seed(&forum, &mut rng).await;
                partners.forget();
                for origin in communities {
                    let board = forum.boards(origin).await.unwrap().remove(0).id;
                    let title = format!("{}", expected.len());
                    let post = forum
                        .create_post(&realtime, board, &author, &title, "…")
                        .await;
                    let post = post.unwrap().id;
                    let to = allowed.iter().filter(|(from, _)| *from == origin);
                    expected.extend(to.map(|(_, to)| (post, *to)));
                }
                all_marked(&forum).await;
            }
            let relayed: Vec<(String, String)> = sqlx::query_as(
                "select room, data from realtime_outbox where room like 'community:%' order by id",
            )
            .fetch_all(&forum.pool())
            .await
            .unwrap();
            let mut relayed: Vec<(i64, i64)> = relayed
                .iter()
                .map(|(room, data)| {
                    let CommunityEvent::PartnerPost(shared) = serde_json::from_str(data).unwrap();
                    (shared.post.id, room["community:".len()..].parse().unwrap())
                })
                .collect();
            relayed.sort_unstable();
            expected.sort_unstable();
            assert_eq!(relayed, expected, "seed {number}");
            // Whoever was told is a member of a partner, and was told once for each.
            let told: i64 = sqlx::query_scalar(
                "select count(*) from realtime_notification n where kind = 'partner_post' and user_id = '1'",
            )
            .fetch_one(&forum.pool())
            .await
            .unwrap();
            assert_eq!(told, 0, "not who wrote it");
            realtime.shutdown().await;
        }
    }

    async fn all_marked(forum: &Forum) {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let left: i64 =
                sqlx::query_scalar("select count(*) from realtime_outbox where published is null")
                    .fetch_one(&forum.pool())
                    .await
                    .unwrap();
            if left == 0 {
                return;
            }
            assert!(Instant::now() < deadline, "rows stay unmarked");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
