//! A broker that asks a test before each append.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use leptos_realtime::{
    Position, RoomId,
    core::message::{Entry, EntryKey, NewEvent, RoomSignal, RoomSnapshot},
    server::broker::{Broker, BrokerError, Head, LinkState},
};
use tokio::sync::watch;

/// What is asked: how long the append is to take, or an error that refuses it.
pub type Before = dyn Fn(&RoomId, &NewEvent) -> Result<Duration, BrokerError> + Send + Sync;

/// See the [module](self).
pub struct Between {
    pub inner: Arc<dyn Broker>,
    pub before: Box<Before>,
    /// The link to the meeting point, where it is not the broker's own.
    pub link: Option<watch::Receiver<LinkState>>,
}

#[async_trait]
impl Broker for Between {
    async fn append(&self, room: &RoomId, event: NewEvent) -> Result<Position, BrokerError> {
        let delay = (self.before)(room, &event)?;
        tokio::time::sleep(delay).await;
        self.inner.append(room, event).await
    }
    async fn signal(&self, room: &RoomId, signal: RoomSignal) -> Result<(), BrokerError> {
        self.inner.signal(room, signal).await
    }

    async fn clear(&self, room: &RoomId) -> Result<(), BrokerError> {
        self.inner.clear(room).await
    }

    async fn heads(&self, rooms: &[RoomId]) -> Result<Vec<Head>, BrokerError> {
        self.inner.heads(rooms).await
    }
    async fn enter(&self, room: &RoomId, entry: Entry) -> Result<(), BrokerError> {
        self.inner.enter(room, entry).await
    }
    async fn exit(&self, room: &RoomId, key: &EntryKey, inc: u64) -> Result<(), BrokerError> {
        self.inner.exit(room, key, inc).await
    }
    async fn snapshot(&self, room: &RoomId) -> Result<RoomSnapshot, BrokerError> {
        self.inner.snapshot(room).await
    }
    async fn subscribe(&self, room: &RoomId) -> Result<(), BrokerError> {
        self.inner.subscribe(room).await
    }
    async fn unsubscribe(&self, room: &RoomId) -> Result<(), BrokerError> {
        self.inner.unsubscribe(room).await
    }
    fn maintain(&self) {
        self.inner.maintain();
    }
    fn link(&self) -> watch::Receiver<LinkState> {
        self.link.clone().unwrap_or_else(|| self.inner.link())
    }
}
