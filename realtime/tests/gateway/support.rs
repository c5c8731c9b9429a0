//! The hosts and people of these tests.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
pub use std::time::Duration;

pub use futures::{SinkExt, StreamExt};
pub use leptos_realtime::{
    Access, AuthError, DeviceKind, Draft, ErrorCode, Realtime, RealtimeConfig, Room, RoomId,
    SignIn, Status, User, UserId,
    core::{
        session::{Answer, Connection},
        view::ViewState,
    },
    protocol::{Announcements, Auth, CloseAction, Online, SessionId},
    rooms,
    server::RealtimeBuilder,
    testing::{TestClient, beside},
};
pub use tokio::io::DuplexStream;
pub use tokio_tungstenite::{WebSocketStream, tungstenite::Message};

rooms! {
    Board(i64) => String, u32;
    Community(i64)
}

/// Board 13 is closed to all; nobody may type on board 14; members are in community 1 wherever they are, and are known
/// there to be at the boards below 10.
pub fn builder() -> RealtimeBuilder {
    builder_with(RealtimeConfig::default())
}

pub fn builder_with(config: RealtimeConfig) -> RealtimeBuilder {
    Realtime::builder(config)
        .authenticate(|handshake| async move {
            match handshake.token() {
                None => Ok(None),
                Some("wrong") => Err(AuthError::rejected(
                    "this token is not valid: sign in again",
                )),
                Some("database-away") => {
                    Err(AuthError::unavailable("connection refused at 10.0.0.7"))
                }
                Some(name) => Ok(Some(user(name))),
            }
        })
        .authorize(|_, rooms, access| async move {
            let open =
                |room: &RoomId| room.id() != "13" && (access == Access::View || room.id() != "14");
            Ok(rooms.into_iter().filter(open).collect())
        })
        .auto_join(|user| async move { user.map(|_| Community(1).into()).into_iter().collect() })
        .whereabouts(|_, place| async move {
            let told = Board::from_room_id(&place).is_some_and(|board| board.0 < 10);
            told.then(|| Community(1).into()).into_iter().collect()
        })
}

pub async fn node() -> Realtime {
    builder().start().await.unwrap()
}

pub async fn node_with(change: impl FnOnce(&mut RealtimeConfig)) -> Realtime {
    let mut config = RealtimeConfig::default();
    change(&mut config);
    builder_with(config).start().await.unwrap()
}

pub fn user(name: &str) -> User {
    User::new(id(name), name)
}

pub fn id(name: &str) -> UserId {
    UserId::try_from(name).unwrap()
}

pub fn auth(name: &str) -> Auth {
    tab(name, name)
}

pub fn tab(name: &str, session: &str) -> Auth {
    Auth {
        token: Some(name.into()),
        session: Some(SessionId::try_from(session).unwrap()),
        device_kind: DeviceKind::Desktop,
        ..Auth::default()
    }
}

pub fn since_of(client: &TestClient, name: &str) -> u64 {
    client.view(Board(7)).unwrap().members[&id(name)].since
}

pub fn status_of(client: &TestClient, name: &str) -> Option<Status> {
    let view = client.view(Board(7))?;
    view.member(&id(name)).map(|member| member.status)
}

pub async fn person(node: &Realtime, name: &str) -> TestClient {
    person_in(node, auth(name), Board(7)).await
}

pub async fn person_in<R: Room>(node: &Realtime, auth: Auth, room: R) -> TestClient {
    let name = auth.token.clone().unwrap();
    let mut client = TestClient::connect(node, auth);
    client.join(room.clone(), None);
    client
        .until("the client sees itself", |client| {
            let view = client.view(room.clone());
            view.is_some_and(|view| view.member(&id(&name)).is_some())
        })
        .await;
    client
}

pub fn live(client: &TestClient) -> bool {
    *client.connection() == Connection::Live
}

pub fn is_refused<R: Room>(client: &TestClient, room: R, code: ErrorCode) -> bool {
    let state = client.view(room).map(|view| &view.state);
    matches!(state, Some(ViewState::Refused(error)) if error.code == code)
}

/// How many of the client's messages hold this text.
pub fn heard(client: &TestClient, text: &str) -> usize {
    client
        .received()
        .iter()
        .filter(|message| message.contains(text))
        .count()
}

/// Lets several clients run at the same time.
pub async fn run_all(clients: &mut [&mut TestClient], time: Duration) {
    futures::future::join_all(clients.iter_mut().map(|client| client.run_for(time))).await;
}

/// Something that a test switches.
#[derive(Clone, Default)]
pub struct Switch(Arc<AtomicBool>);

impl Switch {
    pub fn set(&self, on: bool) {
        self.0.store(on, Ordering::SeqCst);
    }

    pub fn get(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
