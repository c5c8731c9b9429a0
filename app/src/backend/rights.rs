//! Who people are and what they may see: the forum's answers to the realtime module, and to its own pages.

use http::HeaderMap;
use leptos_realtime::{Access, AuthError, Handshake, Room, RoomId, SignIn, User, protocol::Online};

use super::{
    Attempts, Forum,
    cookie::{self, TokenHash},
    operators::LetIn,
    sessions::SignedIn,
};
use crate::{
    model::Role,
    rooms::{Board, Community, Moderators, OPERATORS, Operators, Post},
};

/// How people may sign in here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignInPolicy {
    /// Whether anybody may look around by a name alone: for development.
    pub demo: bool,
    /// Whether the site is served by HTTPS, so that cookies travel by nothing else.
    pub secure: bool,
}

/// See the [module](self). Cheap to clone.
#[derive(Clone)]
pub struct Rights {
    forum: Forum,
    policy: SignInPolicy,
    attempts: Attempts,
    let_in: LetIn,
}

impl Rights {
    /// The rights of a forum's people.
    #[must_use]
    pub fn new(forum: Forum, policy: SignInPolicy) -> Self {
        let attempts = Attempts::default();
        Self {
            forum,
            policy,
            attempts,
            let_in: LetIn::default(),
        }
    }

    pub(super) fn forum(&self) -> &Forum {
        &self.forum
    }

    pub(super) fn policy(&self) -> SignInPolicy {
        self.policy
    }

    pub(super) fn attempts(&self) -> &Attempts {
        &self.attempts
    }

    /// The operators who were let into their room here.
    pub(super) fn let_in(&self) -> &LetIn {
        &self.let_in
    }

    /// Who presents this cookie or token. A token counts alone.
    pub(super) async fn signed_in(
        &self,
        headers: &HeaderMap,
        token: Option<&str>,
    ) -> Result<Option<SignedIn>, sqlx::Error> {
        match presented(headers, token) {
            Some(token) => self.forum.session(&token).await,
            None => Ok(None),
        }
    }

    /// Who connects. Without cookie and token it is a guest; a wrong token is an error, because it was meant.
    ///
    /// # Errors
    /// When the token is not valid, or the database fails.
    pub async fn authenticate(self, handshake: Handshake) -> Result<Option<SignIn>, AuthError> {
        let token = handshake.token();
        let signed_in = self
            .signed_in(&handshake.parts().headers, token)
            .await
            .map_err(AuthError::unavailable)?;
        match signed_in {
            None if token.is_some() => Err(AuthError::rejected(
                "this token is not valid: sign in again",
            )),
            None => Ok(None),
            Some(SignedIn { person, issued, .. }) => Ok(Some(SignIn {
                user: User::new(person.id, person.name),
                // What was signed in before all sessions were ended is not accepted any more.
                issued: Some(issued.unsigned_abs()),
                expires: None,
            })),
        }
    }

    /// Which of these rooms may be accessed: all that exist are open to view, and so is whether a person is online;
    /// moderators' and operators' rooms are theirs; signals are for people with a name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn authorize(
        self,
        who: Option<User>,
        rooms: Vec<RoomId>,
        access: Access,
    ) -> Result<Vec<RoomId>, AuthError> {
        if access != Access::View && who.is_none() {
            return Ok(Vec::new());
        }
        let ids = |id: fn(&RoomId) -> Option<i64>| rooms.iter().filter_map(id).collect::<Vec<_>>();
        let boards = ids(|room| Board::from_room_id(room).map(|board| board.0));
        let posts = ids(|room| Post::from_room_id(room).map(|post| post.0));
        let communities = ids(|room| Community::from_room_id(room).map(|community| community.0));
        let moderators = ids(|room| Moderators::from_room_id(room).map(|room| room.0));
        // Nothing is said in the rooms that tell whether a person is online.
        let person_of = |room: &RoomId| person_of(room).filter(|_| access == Access::View);
        let people: Vec<_> = rooms.iter().filter_map(person_of).collect();
        // Instances speak there, and people listen.
        let of_operators = |room: &RoomId| {
            access == Access::View && Operators::from_room_id(room) == Some(OPERATORS)
        };
        let forum = &self.forum;
        let found = async {
            let moderated = match person_id(who.as_ref()) {
                Some(person) if !moderators.is_empty() => forum.moderated_by(person).await?,
                _ => Vec::new(),
            };
            Ok::<_, sqlx::Error>((
                forum.existing_boards(&boards).await?,
                forum.existing_posts(&posts).await?,
                forum.existing_communities(&communities).await?,
                forum.existing_people(&people).await?,
                moderated,
                match person_id(who.as_ref()) {
                    Some(person) if rooms.iter().any(of_operators) => self.lets_in(person).await?,
                    _ => false,
                },
            ))
        };
        let (boards, posts, communities, people, moderated, operates) =
            found.await.map_err(AuthError::unavailable)?;
        let open = |room: &RoomId| {
            Board::from_room_id(room).is_some_and(|Board(id)| boards.contains(&id))
                || Post::from_room_id(room).is_some_and(|Post(id)| posts.contains(&id))
                || Community::from_room_id(room)
                    .is_some_and(|Community(id)| communities.contains(&id))
                || Moderators::from_room_id(room)
                    .is_some_and(|Moderators(id)| moderated.contains(&id))
                || (operates && of_operators(room))
                || person_of(room).is_some_and(|id| people.contains(&id))
        };
        Ok(rooms.into_iter().filter(open).collect())
    }

    /// Whether a person may see the operators' room. Whoever may is noted first: so it is noticed when that ends.
    async fn lets_in(&self, person: i64) -> Result<bool, sqlx::Error> {
        let operates = self.forum.is_operator(person).await?;
        if operates {
            self.let_in.note(person);
        }
        Ok(operates)
    }

    /// In which other rooms people may know that somebody is in this one: at which board, those of its community; at which
    /// post, those at its board.
    pub async fn whereabouts(self, who: Option<User>, room: RoomId) -> Vec<RoomId> {
        if who.is_none() {
            return Vec::new();
        }
        let told = match (Board::from_room_id(&room), Post::from_room_id(&room)) {
            (Some(Board(board)), _) => self
                .forum
                .community_of(board)
                .await
                .map(|id| id.map(|id| Community(id).into())),
            (_, Some(Post(post))) => self
                .forum
                .board_of(post)
                .await
                .map(|id| id.map(|id| Board(id).into())),
            _ => return Vec::new(),
        };
        let told = told.unwrap_or_else(|error| {
            tracing::error!(%error, %room, "to what a room belongs could not be read");
            None
        });
        told.into_iter().collect()
    }

    /// The rooms in which a person is wherever they are on the site: their communities, and those of the moderators where
    /// they are one.
    pub async fn rooms_of(self, who: Option<User>) -> Vec<RoomId> {
        let Some(id) = person_id(who.as_ref()) else {
            return Vec::new();
        };
        let memberships = self.forum.memberships(id).await.unwrap_or_else(|error| {
            tracing::error!(%error, "a person's communities could not be read");
            Vec::new()
        });
        let rooms = memberships.into_iter().flat_map(|(community, role)| {
            let moderators = (role >= Role::Moderator).then(|| Moderators(community).into());
            std::iter::once(Community(community).into()).chain(moderators)
        });
        rooms.collect()
    }
}

/// What is kept of the token that a request presents: its own, or its cookie's.
pub(super) fn presented(headers: &HeaderMap, token: Option<&str>) -> Option<TokenHash> {
    let cookie = || cookie::token(headers);
    token
        .map(str::to_owned)
        .or_else(cookie)
        .map(|token| cookie::hash(&token))
}

fn person_id(who: Option<&User>) -> Option<i64> {
    who?.id.as_str().parse().ok()
}

/// Whose room it is that tells whether they are online.
fn person_of(room: &RoomId) -> Option<i64> {
    let Online(user) = Online::from_room_id(room)?;
    let id: i64 = user.as_str().parse().ok()?;
    // `07` is nobody's id.
    (id.to_string() == user.as_str()).then_some(id)
}

#[cfg(test)]
mod tests {
    use http::header;

    use super::*;
    use crate::backend::testing::{on_both, person, realtime};

    on_both!(
        only_rooms_that_exist_are_open_and_guests_send_no_signals,
        a_communitys_people_may_know_who_is_at_which_of_its_boards,
        moderators_rooms_are_theirs,
        the_operators_room_is_theirs_and_nobody_speaks_there,
        whoever_has_the_cookie_is_signed_in_until_it_is_ended,
    );

    const POLICY: SignInPolicy = SignInPolicy {
        demo: true,
        secure: false,
    };

    async fn only_rooms_that_exist_are_open_and_guests_send_no_signals(forum: Forum) {
        let rights = Rights::new(forum, POLICY);
        let asked: Vec<RoomId> = [
            "board:1",
            "board:999",
            "post:1",
            "post:9999",
            "community:1",
            "community:1:admins",
            "user:1",
            "board:x",
            "online:1",
            "online:01",
            "online:999",
        ]
        .map(|room| room.parse().unwrap())
        .to_vec();
        let open = rights
            .clone()
            .authorize(None, asked.clone(), Access::View)
            .await
            .unwrap();
        assert_eq!(
            open,
            ["board:1", "post:1", "community:1", "online:1"].map(|room| room.parse().unwrap())
        );
        assert_eq!(
            rights
                .clone()
                .authorize(None, asked.clone(), Access::Signal)
                .await
                .unwrap(),
            []
        );
        let ada = Some(User::new(6, "Lena Arvidsson"));
        assert_eq!(
            rights.authorize(ada, asked, Access::Signal).await.unwrap(),
            ["board:1", "post:1", "community:1"].map(|room| room.parse().unwrap()),
            "nothing is said in the room that tells whether a person is online"
        );
    }

    async fn a_communitys_people_may_know_who_is_at_which_of_its_boards(forum: Forum) {
        let rights = Rights::new(forum.clone(), POLICY);
        let ada = Some(User::new(6, "Lena Arvidsson"));
        let garden = forum.community("orchard").await.unwrap();
        let board = Board(forum.boards(garden.id).await.unwrap()[0].id);
        let told_in = |who, room: RoomId| rights.clone().whereabouts(who, room);
        assert_eq!(
            told_in(ada.clone(), board.room_id()).await,
            [Community(garden.id).room_id()]
        );
        assert_eq!(
            told_in(None, board.room_id()).await,
            [],
            "guests have no name"
        );
        assert_eq!(told_in(ada.clone(), Board(999).room_id()).await, []);
        let author = forum.look_around("Ada").await.unwrap();
        let realtime = realtime(&forum).await;
        let post = forum
            .create_post(&realtime, board.0, &author, "A post", "…")
            .await
            .unwrap();
        assert_eq!(
            told_in(ada.clone(), Post(post.id).room_id()).await,
            [board.room_id()]
        );
        assert_eq!(told_in(ada.clone(), Post(9_999).room_id()).await, []);
        assert_eq!(told_in(ada, Community(garden.id).room_id()).await, []);
    }

    async fn moderators_rooms_are_theirs(forum: Forum) {
        let rights = Rights::new(forum.clone(), POLICY);
        let harbour = forum.community("harbour").await.unwrap().id;
        let asked = vec![Moderators(harbour).room_id()];
        for (name, role, allowed) in [
            ("Ada", Role::Member, false),
            ("Mo", Role::Moderator, true),
            ("Al", Role::Admin, true),
        ] {
            let person = person(&forum, name, "harbour", role).await;
            let who = Some(User::new(person.id, person.name));
            let open = rights
                .clone()
                .authorize(who.clone(), asked.clone(), Access::View)
                .await;
            assert_eq!(
                open.unwrap(),
                if allowed { asked.clone() } else { Vec::new() }
            );
            assert_eq!(
                rights.clone().rooms_of(who).await.contains(&asked[0]),
                allowed
            );
        }
        let guest = rights.authorize(None, asked, Access::View).await.unwrap();
        assert_eq!(guest, []);
    }

    async fn the_operators_room_is_theirs_and_nobody_speaks_there(forum: Forum) {
        let rights = Rights::new(forum.clone(), POLICY);
        let asked: Vec<RoomId> = ["operators:1", "operators:2", "operators:01"]
            .map(|room| room.parse().unwrap())
            .to_vec();
        // Who decides in a community has no say over the site.
        let ada = person(&forum, "Ada", "harbour", Role::Admin).await;
        let who = Some(User::new(ada.id, ada.name.clone()));
        let may = async |who: &Option<User>, access| {
            let rights = rights.clone();
            rights.authorize(who.clone(), asked.clone(), access).await
        };
        assert_eq!(may(&who, Access::View).await.unwrap(), []);
        forum.appoint("Ada").await.unwrap();
        assert_eq!(may(&who, Access::View).await.unwrap(), asked[..1]);
        assert_eq!(may(&who, Access::Signal).await.unwrap(), []);
        assert_eq!(may(&None, Access::View).await.unwrap(), []);
        assert!(
            !rights
                .clone()
                .rooms_of(who.clone())
                .await
                .contains(&asked[0])
        );
        forum.dismiss("ada").await.unwrap();
        assert_eq!(may(&who, Access::View).await.unwrap(), []);
    }

    async fn whoever_has_the_cookie_is_signed_in_until_it_is_ended(forum: Forum) {
        let rights = Rights::new(forum.clone(), POLICY);
        let ada = forum.look_around("Ada").await.unwrap();
        let token = forum.begin_session(ada.id, "…").await.unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, token.set_cookie(false).unwrap());
        let found = rights.signed_in(&headers, None).await.unwrap().unwrap();
        assert_eq!(found.person, ada);
        let wrong = rights.signed_in(&headers, Some("forged")).await.unwrap();
        assert!(wrong.is_none(), "a token counts alone");
        forum.end_sessions(ada.id).await.unwrap();
        assert!(rights.signed_in(&headers, None).await.unwrap().is_none());
    }
}
