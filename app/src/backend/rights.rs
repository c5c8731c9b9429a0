//! Who people are and what they may see: the forum's answers to the realtime module, and to its own pages.

use http::HeaderMap;
use leptos_realtime::{Access, AuthError, Handshake, Room, RoomId, User};

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

    /// Which of these rooms may be accessed: all that exist are open to view, and signals are for people with a name.
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
        let open = |room: &RoomId| match (Board::from_room_id(room), Community::from_room_id(room))
        {
            (Some(Board(id)), _) => boards.contains(&id),
            (_, Some(Community(id))) => communities.contains(&id),
            _ => false,
        };
        Ok(rooms.into_iter().filter(open).collect())
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
        let asked: Vec<RoomId> = ["board:1", "board:999", "community:1", "user:1", "board:x"]
            .map(|room| room.parse().unwrap())
            .to_vec();
        let open = rights
            .clone()
            .authorize(None, asked.clone(), Access::View)
            .await
            .unwrap();
        assert_eq!(
            open,
            ["board:1", "community:1"].map(|room| room.parse().unwrap())
        );
        assert_eq!(
            rights.authorize(None, asked, Access::Signal).await.unwrap(),
            []
        );
    }
}
