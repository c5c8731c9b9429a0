//! Votes: one of each person on each thing, which can be changed and taken back.

use leptos_realtime::Realtime;

use super::{
    Forum, comments,
    db::{Tx, one_of, query},
    posts::about,
};
use crate::{
    Board, BoardEvent, PostEvent,
    api::ApiError,
    model::{Person, Subject, Tally, Voted},
    rooms,
};

/// Counts the next version, and holds the row until the end: of two who vote one is counted after the other.
fn next_version(subject: Subject) -> &'static str {
    match subject {
        Subject::Post => {
            "update post set votes_version = votes_version + 1 where id = $1 and deleted is null
             returning board, votes_version"
        }
        Subject::Comment => {
            "update comment set votes_version = votes_version + 1 where id = $1 and deleted is null
             returning post, votes_version"
        }
    }
}

/// $1 id, $2 votes.
fn count(subject: Subject) -> &'static str {
    match subject {
        Subject::Post => "update post set votes = $2 where id = $1",
        Subject::Comment => "update comment set votes = $2 where id = $1",
    }
}

impl Forum {
    /// A person votes for something (1), against it (-1), or takes their vote back (0).
    pub(crate) async fn vote(
        &self,
        realtime: &Realtime,
        subject: Subject,
        id: i64,
        voter: &Person,
        value: i64,
    ) -> Result<Voted, ApiError> {
        if !(-1..=1).contains(&value) {
            return Err(ApiError::Invalid(
                "A vote is for something, or against it.".to_owned(),
            ));
        }
        let mut tx = self.db().begin().await?;
        let locked = query(next_version(subject)).bind(id);
        let (place, version): (i64, i64) = tx.maybe(locked).await?.ok_or(ApiError::NotFound)?;
        keep(&mut tx, subject, id, voter.id, value).await?;
        let sum = query(
            "select cast(coalesce(sum(value), 0) as bigint) from vote where subject = $1 and id = $2",
        );
        let (sum,): (i64,) = tx.one(sum.bind(subject.name()).bind(id)).await?;
        tx.run(query(count(subject)).bind(id).bind(sum)).await?;
        let votes = Tally {
            count: sum,
            version,
        };
        match subject {
            Subject::Post => {
                let event = BoardEvent::Voted { post: id, votes };
                let event = about(&event, ":votes", id, version)?;
                tx.publish(realtime, Board(place), event).await?;
                let event = PostEvent::Voted(votes);
                let event = about(&event, ":votes", id, version)?;
                tx.publish(realtime, rooms::Post(id), event).await?;
            }
            Subject::Comment => {
                let event = PostEvent::CommentVoted { comment: id, votes };
                let event = comments::about(&event, ":votes", id, version)?;
                tx.publish(realtime, rooms::Post(place), event).await?;
            }
        }
        tx.commit().await?;
        Ok(Voted { votes, mine: value })
    }

    /// A viewer's own votes on some things, by their ids; none where nobody is signed in.
    pub(crate) async fn votes_of(
        &self,
        viewer: Option<i64>,
        subject: Subject,
        ids: &[i64],
    ) -> Result<Vec<(i64, i64)>, ApiError> {
        let (Some(viewer), false) = (viewer, ids.is_empty()) else {
            return Ok(Vec::new());
        };
        // The list has the first places, and these two those after it.
        let found = one_of(
            "select id, value from vote where id in ($list) and subject = $subject and person = $person",
            ids.iter().copied(),
        );
        let found = found
            .named("$subject", subject.name())
            .named("$person", viewer);
        Ok(self.db().all(found).await?)
    }
}

async fn keep(
    tx: &mut Tx,
    subject: Subject,
    id: i64,
    voter: i64,
    value: i64,
) -> Result<(), sqlx::Error> {
    let kept = if value == 0 {
        query("delete from vote where subject = $1 and id = $2 and person = $3")
    } else {
        query(
            "insert into vote (subject, id, person, value) values ($1, $2, $3, $4)
             on conflict (subject, id, person) do update set value = excluded.value",
        )
    };
    let kept = kept.bind(subject.name()).bind(id).bind(voter);
    let kept = if value == 0 { kept } else { kept.bind(value) };
    tx.run(kept).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backend::testing::{board, on_both, person, realtime},
        model::Role,
    };

    on_both!(
        a_vote_counts_once_and_can_be_changed_and_taken_back,
        many_vote_at_once_and_all_are_counted
    );

    async fn a_vote_counts_once_and_can_be_changed_and_taken_back(forum: Forum) {
        let realtime = realtime(&forum).await;
        let square = board(&forum, "harbour").await;
        let ada = person(&forum, "Ada", "harbour", Role::Member).await;
        let bob = person(&forum, "Bob", "harbour", Role::Member).await;
        let post = forum
            .create_post(&realtime, square, &ada, "Hello", "…")
            .await
            .unwrap();
        let comment = forum
            .create_comment(&realtime, post.id, None, &ada, "…")
            .await
            .unwrap();
        for (subject, id) in [(Subject::Post, post.id), (Subject::Comment, comment.id)] {
            let vote = |voter: Person, value| {
                let (forum, realtime) = (forum.clone(), realtime.clone());
                async move { forum.vote(&realtime, subject, id, &voter, value).await }
            };
            let mut version = 0;
            for (voter, value, sum) in [
                (&ada, 1, 1),
                (&ada, 1, 1),
                (&bob, 1, 2),
                (&ada, -1, 0),
                (&bob, 0, -1),
                (&bob, 0, -1),
                (&ada, 0, 0),
                (&ada, 1, 1),
            ] {
                let voted = vote(voter.clone(), value).await.unwrap();
                assert_eq!((voted.votes.count, voted.mine), (sum, value));
                assert!(
                    voted.votes.version > version,
                    "each has a number of its own"
                );
                version = voted.votes.version;
            }
            assert!(matches!(
                vote(ada.clone(), 2).await,
                Err(ApiError::Invalid(_))
            ));
            let own = forum
                .votes_of(Some(ada.id), subject, &[id, 999])
                .await
                .unwrap();
            assert_eq!(own, [(id, 1)]);
            assert_eq!(
                forum.votes_of(Some(bob.id), subject, &[id]).await.unwrap(),
                []
            );
            assert_eq!(forum.votes_of(None, subject, &[id]).await.unwrap(), []);
            let nothing = forum.vote(&realtime, subject, 999, &ada, 1).await;
            assert_eq!(nothing, Err(ApiError::NotFound));
        }
        assert_eq!(forum.post(square, post.id).await.unwrap().votes.count, 1);
        realtime.shutdown().await;
    }

    async fn many_vote_at_once_and_all_are_counted(forum: Forum) {
        let realtime = realtime(&forum).await;
        let square = board(&forum, "harbour").await;
        let ada = person(&forum, "Ada", "harbour", Role::Member).await;
        let post = forum
            .create_post(&realtime, square, &ada, "Hello", "…")
            .await
            .unwrap();
        let mut voters = Vec::new();
        for number in 0..12 {
            voters.push(forum.look_around(&format!("Voter {number}")).await.unwrap());
        }
        let voting: Vec<_> = voters
            .into_iter()
            .map(|voter| {
                let (forum, realtime) = (forum.clone(), realtime.clone());
                tokio::spawn(async move {
                    forum
                        .vote(&realtime, Subject::Post, post.id, &voter, 1)
                        .await
                        .unwrap()
                })
            })
            .collect();
        let mut versions = Vec::new();
        for voted in voting {
            versions.push(voted.await.unwrap().votes.version);
        }
        versions.sort_unstable();
        assert_eq!(versions, (1..=12).collect::<Vec<_>>());
        assert_eq!(forum.post(square, post.id).await.unwrap().votes.count, 12);
        realtime.shutdown().await;
    }
}
