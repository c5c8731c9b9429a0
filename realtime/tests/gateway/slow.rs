//! A broker that takes its time.

use std::sync::Arc;

use async_trait::async_trait;
use leptos_realtime::{
    Position, RoomId,
    core::message::{Entry, EntryKey, NewEvent, RoomSignal, RoomSnapshot},
    server::broker::{Broker, BrokerError, Head},
};

use super::support::Duration;

/// How many milliseconds each enter and exit takes.
pub struct Slow {
    pub inner: Arc<dyn Broker>,
    pub enter: fn(&RoomId, &Entry) -> u64,
    pub exit: fn(&RoomId) -> u64,
}
async fn ms(n: u64) {
    if n > 0 {
        tokio::time::sleep(Duration::from_millis(n)).await;
    }
}
#[async_trait]
impl Broker for Slow {
    async fn append(&self, room: &RoomId, event: NewEvent) -> Result<Position, BrokerError> {
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
        ms((self.enter)(room, &entry)).await;
        self.inner.enter(room, entry).await
    }
    async fn exit(&self, room: &RoomId, key: &EntryKey, inc: u64) -> Result<(), BrokerError> {
        ms((self.exit)(room)).await;
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
}
