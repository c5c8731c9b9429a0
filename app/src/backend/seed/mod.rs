//! What a new forum shows: a small town, so that every page looks lived in from the first start.

mod town;

use self::town::{PEOPLE, TOWN};
use super::{
    clock::now,
    db::{Db, Tx, query},
    names,
};

/// Fills an empty database.
pub(super) async fn fill_if_empty(db: &Db) -> Result<(), sqlx::Error> {
    let mut tx = db.begin().await?;
    // Of several instances that start at the same time one fills it, and the others wait here until it has.
    let first = query(
        "insert into setting (name, value) values ('seeded', 'yes') on conflict (name) do nothing",
    );
    let first = tx.run(first).await? == 1;
    let (communities,): (i64,) = tx.one(query("select count(*) from community")).await?;
    if first && communities == 0 {
        fill(&mut tx).await?;
    }
    tx.commit().await
}

async fn fill(tx: &mut Tx) -> Result<(), sqlx::Error> {
    let now = now();
    let mut people = Vec::new();
    for name in PEOPLE {
        let new =
            query("insert into person (name, name_key, created) values ($1, $2, $3) returning id");
        let key = names::key(name);
        let (id,): (i64,) = tx.one(new.bind(*name).bind(key.as_str()).bind(now)).await?;
        people.push(id);
    }
    for town in TOWN {
        let new = query(
            "insert into community (slug, name, about, open) values ($1, $2, $3, $4) returning id",
        );
        let new = new
            .bind(town.slug)
            .bind(town.name)
            .bind(town.about)
            .bind(town.open);
        let (community,): (i64,) = tx.one(new).await?;
        let members = if town.open { 0 } else { 3 };
        for (place, person) in people.iter().enumerate().skip(members) {
            let role = match place {
                place if place == town.admin => "admin",
                place if town.moderators.contains(&place) => "moderator",
                _ => "member",
            };
            let new = query("insert into membership (community, person, role) values ($1, $2, $3)");
            tx.run(new.bind(community).bind(*person).bind(role)).await?;
        }
        for board in town.boards {
            let new = query(
                "insert into board (community, slug, name, about) values ($1, $2, $3, $4) returning id",
            );
            let new = new
                .bind(community)
                .bind(board.slug)
                .bind(board.name)
                .bind(board.about);
            let (board_id,): (i64,) = tx.one(new).await?;
            for post in board.posts {
                write(tx, board_id, post, &people, now).await?;
            }
        }
    }
    for town in TOWN {
        for partner in town.partners {
            let new = query(
                "insert into community_partnership (origin, partner, status, share_posts, share_comments, share_presence, created)
                 select o.id, p.id, 'active', 1, 1, 1, $3 from community o, community p where o.slug = $1 and p.slug = $2",
            );
            tx.run(new.bind(town.slug).bind(*partner).bind(now)).await?;
        }
    }
    Ok(())
}

/// Writes a post, with what was said and voted.
async fn write(
    tx: &mut Tx,
    board: i64,
    post: &town::Post,
    people: &[i64],
    now: i64,
) -> Result<(), sqlx::Error> {
    let new = query(
        "insert into post (board, author, title, body, created, votes, votes_version, comments, comments_version)
         values ($1, $2, $3, $4, $5, $6, $6, $7, $7) returning id",
    );
    let new = new
        .bind(board)
        .bind(people[post.author])
        .bind(post.title)
        .bind(post.body)
        .bind(now - post.minutes_ago * 60_000)
        .bind(post.votes.len() as i64)
        .bind(post.comments.len() as i64);
    let (id,): (i64,) = tx.one(new).await?;
    vote(tx, "post", id, post.votes, people).await?;
    let mut written: Vec<i64> = Vec::new();
    for comment in post.comments {
        let new = query(
            "insert into comment (post, parent, author, body, created, votes, votes_version)
             values ($1, $2, $3, $4, $5, $6, $6) returning id",
        );
        let new = new
            .bind(id)
            .bind(comment.answers.map(|place| written[place]))
            .bind(people[comment.author])
            .bind(comment.body)
            .bind(now - comment.minutes_ago * 60_000)
            .bind(comment.votes.len() as i64);
        let (id,): (i64,) = tx.one(new).await?;
        vote(tx, "comment", id, comment.votes, people).await?;
        written.push(id);
    }
    Ok(())
}

async fn vote(
    tx: &mut Tx,
    subject: &'static str,
    id: i64,
    voters: &[usize],
    people: &[i64],
) -> Result<(), sqlx::Error> {
    for voter in voters {
        let new = query("insert into vote (subject, id, person, value) values ($1, $2, $3, 1)");
        tx.run(new.bind(subject).bind(id).bind(people[*voter]))
            .await?;
    }
    Ok(())
}
