//! Who people are and what they may see: the forum's answers to the realtime module, and to its own pages.

use http::HeaderMap;
use leptos_realtime::{Access, AuthError, Handshake, Room, RoomId, User, protocol::Online};

use super::{Forum, SessionKey};
use crate::{
    model::Person,
    rooms::{Board, Community},
};

/// See the [module](self). Cheap to clone.
#[derive(Clone)]
pub struct Rights {
    forum: Forum,
    key: SessionKey,
}

impl Rights {
    /// The rights of a forum's people, who sign in with this key.
    #[must_use]
    pub fn new(forum: Forum, key: SessionKey) -> Self {
        Self { forum, key }
    }

    pub(super) fn forum(&self) -> &Forum {
        &self.forum
    }

    pub(super) fn key(&self) -> &SessionKey {
        &self.key
    }

    /// Who presents this cookie or token. A token counts alone.
    pub(super) async fn person(
        &self,
        headers: &HeaderMap,
        token: Option<&str>,
    ) -> Result<Option<Person>, sqlx::Error> {
        let id = match token {
            Some(token) => self.key.person_of_token(token),
            None => self.key.person_of_cookie(headers),
        };
        match id {
            Some(id) => self.forum.person(id).await,
            None => Ok(None),
        }
    }

    /// Who connects. Without cookie and token it is a guest; a wrong token is an error, because it was meant.
    ///
    /// # Errors
    /// When the token is not valid, or the database fails.
    pub async fn authenticate(self, handshake: Handshake) -> Result<Option<User>, AuthError> {
        let token = handshake.token();
        let person = self
            .person(&handshake.parts().headers, token)
            .await
            .map_err(AuthError::unavailable)?;
        match person {
            None if token.is_some() => Err(AuthError::rejected(
                "this token is not valid: sign in again",
            )),
            person => Ok(person.map(|person| User::new(person.id, person.name))),
        }
    }

    /// Which of these rooms may be accessed: all that exist are open to view, and so is whether a person is online;
    /// signals are for people with a name.
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
        let communities = ids(|room| Community::from_room_id(room).map(|community| community.0));
        // Nothing is said in the rooms that tell whether a person is online.
        let person_of = |room: &RoomId| person_of(room).filter(|_| access == Access::View);
        let people: Vec<_> = rooms.iter().filter_map(person_of).collect();
        let boards = self
            .forum
            .existing_boards(&boards)
            .await
            .map_err(AuthError::unavailable)?;
        let communities = self
            .forum
            .existing_communities(&communities)
            .await
            .map_err(AuthError::unavailable)?;
        let people = self
            .forum
            .existing_people(&people)
            .await
            .map_err(AuthError::unavailable)?;
        let open = |room: &RoomId| {
            Board::from_room_id(room).is_some_and(|Board(id)| boards.contains(&id))
                || Community::from_room_id(room)
                    .is_some_and(|Community(id)| communities.contains(&id))
                || person_of(room).is_some_and(|id| people.contains(&id))
        };
        Ok(rooms.into_iter().filter(open).collect())
    }

    /// In which other rooms people may know that somebody is in this one: at which board, those of its community.
    pub async fn whereabouts(self, who: Option<User>, room: RoomId) -> Vec<RoomId> {
        let (Some(_), Some(Board(board))) = (who, Board::from_room_id(&room)) else {
            return Vec::new();
        };
        let community = self
            .forum
            .community_of(board)
            .await
            .unwrap_or_else(|error| {
                tracing::error!(%error, board, "a board's community could not be read");
                None
            });
        community
            .map(|id| Community(id).into())
            .into_iter()
            .collect()
    }

    /// The rooms in which a person is wherever they are on the site: their communities.
    pub async fn rooms_of(self, who: Option<User>) -> Vec<RoomId> {
        let Some(id) = who.and_then(|user| user.id.as_str().parse().ok()) else {
            return Vec::new();
        };
        let communities = self.forum.memberships(id).await.unwrap_or_else(|error| {
            tracing::error!(%error, "a person's communities could not be read");
            Vec::new()
        });
        communities
            .into_iter()
            .map(|id| Community(id).into())
            .collect()
    }
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
    use super::*;

    #[tokio::test]
    async fn only_rooms_that_exist_are_open_and_guests_send_no_signals() {
        let forum = Forum::open("sqlite::memory:").await.unwrap();
        let rights = Rights::new(
            forum,
            SessionKey::new(&SessionKey::random_secret()).unwrap(),
        );
        let asked: Vec<RoomId> = [
            "board:1",
            "board:999",
            "community:1",
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
            ["board:1", "community:1", "online:1"].map(|room| room.parse().unwrap())
        );
        assert_eq!(
            rights
                .clone()
                .authorize(None, asked.clone(), Access::Signal)
                .await
                .unwrap(),
            []
        );
        let ada = Some(User::new(1, "Ada"));
        assert_eq!(
            rights.authorize(ada, asked, Access::Signal).await.unwrap(),
            ["board:1", "community:1"].map(|room| room.parse().unwrap()),
            "nothing is said in the room that tells whether a person is online"
        );
    }

    #[tokio::test]
    async fn a_communitys_people_may_know_who_is_at_which_of_its_boards() {
        let forum = Forum::open("sqlite::memory:").await.unwrap();
        let key = SessionKey::new(&SessionKey::random_secret()).unwrap();
        let rights = Rights::new(forum.clone(), key);
        let ada = Some(User::new(1, "Ada"));
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
        assert_eq!(told_in(ada, Community(garden.id).room_id()).await, []);
    }
}
