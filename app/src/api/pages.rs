//! What pages show.

use leptos::{prelude::*, server_fn::codec::GetUrl};

use super::ApiError;
use crate::model::{
    BoardPage, Comments, CommunityCard, CommunityPage, CommunitySummary, ManagePage,
    PartnerPresence, PostPage, Posts,
};
#[cfg(feature = "ssr")]
use crate::{
    backend::Request,
    model::{Crowd, Moderation, Subject, Viewer},
};

/// All communities.
#[server(prefix = "/api", endpoint = "communities", input = GetUrl)]
pub async fn communities() -> Result<Vec<CommunitySummary>, ApiError> {
    Request::answer(async |request| request.forum().communities().await).await
}

/// The most faces of a community's card.
#[cfg(feature = "ssr")]
const FACES: usize = 5;

/// All communities, and who is in those that the viewer may see.
#[server(prefix = "/api", endpoint = "home", input = GetUrl)]
pub async fn load_home() -> Result<Vec<CommunityCard>, ApiError> {
    Request::answer(async |request| {
        let latest = request.forum().latest(None).await?;
        let mut cards = Vec::new();
        for community in request.forum().communities().await? {
            // What the viewer may not see, or nobody can know right now, is not shown.
            let view = leptos_realtime::first_view(crate::Community(community.id)).await;
            let people = view.ok().map(|view| {
                let shown = u32::try_from(view.members.len()).unwrap_or(u32::MAX);
                let mut faces = view.members;
                faces.truncate(FACES);
                Crowd {
                    count: view.count.unwrap_or(shown),
                    faces,
                }
            });
            let last = latest.iter().find(|(of, _)| *of == community.id);
            cards.push(CommunityCard {
                people,
                last: last.map(|(_, last)| last.clone()),
                community,
            });
        }
        Ok(cards)
    })
    .await
}

/// A community's page.
#[server(prefix = "/api", endpoint = "community", input = GetUrl)]
pub async fn load_community(slug: String) -> Result<CommunityPage, ApiError> {
    Request::answer(async |request| {
        let forum = request.forum();
        let community = forum.community(&slug).await?;
        let view = leptos_realtime::first_view(crate::Community(community.id)).await?;
        let viewer = request.viewer(community.id).await?;
        let moderation = match viewer.as_ref().is_some_and(Viewer::moderates) {
            true => {
                let view = leptos_realtime::first_view(crate::Moderators(community.id)).await?;
                Some(Moderation {
                    since: view.position,
                    list: forum.moderated(community.id).await?,
                })
            }
            false => None,
        };
        Ok(CommunityPage {
            view,
            boards: forum.boards(community.id).await?,
            latest: {
                let latest = forum.latest(Some(community.id)).await?;
                latest.into_iter().map(|(_, last)| last).collect()
            },
            partners: forum.partner_posts(community.id).await?,
            partner_comments: forum.partner_comments(community.id).await?,
            partner_presence: forum
                .partner_presence(&request.realtime(), community.id)
                .await?,
            open: forum.is_open(community.id).await?,
            moderation,
            viewer,
            community,
        })
    })
    .await
}

/// How many people are in the partner communities that share that with this one.
#[server(prefix = "/api", endpoint = "at_partners", input = GetUrl)]
pub async fn at_partners(community: i64) -> Result<Vec<PartnerPresence>, ApiError> {
    Request::answer(async |request| {
        let (forum, realtime) = (request.forum(), request.realtime());
        forum.partner_presence(&realtime, community).await
    })
    .await
}

/// A board's page, with its posts before `before`, or the newest.
#[server(prefix = "/api", endpoint = "board", input = GetUrl)]
pub async fn load_board(
    community: String,
    board: String,
    before: Option<i64>,
) -> Result<BoardPage, ApiError> {
    Request::answer(async |request| {
        let forum = request.forum();
        let community = forum.community(&community).await?;
        let board = forum.board(community.id, &board).await?;
        // The position first, then the data: what is posted from here on reaches the page as an event.
        let view = leptos_realtime::first_view(crate::Board(board.id)).await?;
        let viewer = request.viewer(community.id).await?;
        let person = viewer.as_ref().map(|viewer| viewer.person.id);
        Ok(BoardPage {
            view,
            posts: forum.posts(board.id, before, person).await?,
            boards: forum.boards(community.id).await?,
            community,
            board,
            viewer,
        })
    })
    .await
}

/// More of a board's posts.
#[server(prefix = "/api", endpoint = "posts", input = GetUrl)]
pub async fn more_posts(board: i64, before: i64) -> Result<Posts, ApiError> {
    Request::answer(async |request| {
        let person = request.person().await?.map(|person| person.id);
        request.forum().posts(board, Some(before), person).await
    })
    .await
}

/// A post's page, with its comments after `after`, or the oldest.
#[server(prefix = "/api", endpoint = "post", input = GetUrl)]
pub async fn load_post(
    community: String,
    board: String,
    post: i64,
    after: Option<i64>,
) -> Result<PostPage, ApiError> {
    Request::answer(async |request| {
        let forum = request.forum();
        let community = forum.community(&community).await?;
        let board = forum.board(community.id, &board).await?;
        // There is one, before anybody enters its room.
        forum.post(board.id, post).await?;
        let view = leptos_realtime::first_view(crate::rooms::Post(post)).await?;
        let viewer = request.viewer(community.id).await?;
        let person = viewer.as_ref().map(|viewer| viewer.person.id);
        let own = forum.votes_of(person, Subject::Post, &[post]).await?;
        Ok(PostPage {
            view,
            post: forum.post(board.id, post).await?,
            mine: own.first().map_or(0, |(_, vote)| *vote),
            comments: forum.comments(post, after, person).await?,
            boards: forum.boards(community.id).await?,
            community,
            board,
            viewer,
        })
    })
    .await
}

/// More of a post's comments.
#[server(prefix = "/api", endpoint = "comments", input = GetUrl)]
pub async fn more_comments(post: i64, after: i64) -> Result<Comments, ApiError> {
    Request::answer(async |request| {
        let person = request.person().await?.map(|person| person.id);
        request.forum().comments(post, Some(after), person).await
    })
    .await
}

/// What a community's admins decide.
#[server(prefix = "/api", endpoint = "manage", input = GetUrl)]
pub async fn load_manage(slug: String) -> Result<ManagePage, ApiError> {
    Request::answer(async |request| {
        let forum = request.forum();
        let community = forum.community(&slug).await?;
        let viewer = request.somebody().await?;
        forum.require_admin(community.id, viewer.id).await?;
        let partnerships = forum.partnerships(community.id).await?;
        let known = |other: &CommunitySummary| {
            other.id == community.id
                || partnerships
                    .iter()
                    .any(|one| one.origin.id == community.id && one.partner.id == other.id)
        };
        let mut others = forum.communities().await?;
        others.retain(|other| !known(other));
        Ok(ManagePage {
            boards: forum.boards(community.id).await?,
            members: forum.members(community.id).await?,
            others,
            partnerships,
            community,
            viewer,
        })
    })
    .await
}
