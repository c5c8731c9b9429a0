//! What tests of channels share.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use leptos_realtime::{
    Channel, ChannelLimits, ChannelMessage, Notification, NotificationData, Realtime,
    RealtimeBuilder, RealtimeConfig, SendError, User, UserId, core::backoff::Backoff,
};
use serde::{Deserialize, Serialize};

/// What people are told in tests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Note {
    pub n: i64,
}

impl NotificationData for Note {
    fn kind(&self) -> &'static str {
        "note"
    }

    fn title(notification: &Notification<Self>) -> String {
        notification.data.n.to_string()
    }

    fn link(notification: &Notification<Self>) -> Option<String> {
        Some(format!("/n/{}", notification.data.n))
    }
}

/// A channel that notes what it is given, and fails as the test says.
#[derive(Clone)]
pub struct Recorder {
    pub sent: Arc<Mutex<Vec<(String, ChannelMessage)>>>,
    pub tried: Arc<Mutex<Vec<String>>>,
    /// What becomes of a try to send this title.
    pub fails: Arc<Mutex<Fails>>,
}

type Fails = Box<dyn FnMut(&str) -> Option<SendError> + Send>;

impl Recorder {
    pub fn new() -> Self {
        Self {
            sent: Arc::default(),
            tried: Arc::default(),
            fails: Arc::new(Mutex::new(Box::new(|_| None))),
        }
    }

    pub fn fail(&self, fails: impl FnMut(&str) -> Option<SendError> + Send + 'static) {
        *self.fails.lock().unwrap() = Box::new(fails);
    }

    /// The titles that were sent to an address.
    pub fn titles(&self, address: &str) -> Vec<String> {
        let sent = self.sent.lock().unwrap();
        let to = sent.iter().filter(|(to, _)| to == address);
        to.map(|(_, message)| message.title.clone()).collect()
    }
}

/// Fast, for tests.
pub fn limits() -> ChannelLimits {
    ChannelLimits {
        timeout: Duration::from_secs(5),
        backoff: Backoff {
            base_ms: 1,
            cap_ms: 4,
        },
        ..ChannelLimits::default()
    }
}

#[async_trait]
impl Channel for Recorder {
    fn name(&self) -> &'static str {
        "recorder"
    }

    fn limits(&self) -> ChannelLimits {
        limits()
    }

    async fn send(&self, address: &str, message: &ChannelMessage) -> Result<(), SendError> {
        self.tried.lock().unwrap().push(message.title.clone());
        if let Some(error) = (self.fails.lock().unwrap())(&message.title) {
            return Err(error);
        }
        let sent = (address.to_owned(), message.clone());
        self.sent.lock().unwrap().push(sent);
        Ok(())
    }
}

/// Deliveries are due at once, and looked for often.
pub fn config() -> RealtimeConfig {
    let mut config = RealtimeConfig::default();
    config.channel_delay = Duration::ZERO;
    config.outbox_poll = Duration::from_millis(20);
    config.site_url = Some("https://forum.example".to_owned());
    config
}

pub fn builder(config: RealtimeConfig) -> RealtimeBuilder {
    Realtime::builder(config)
        .authenticate(|handshake| async move { Ok(handshake.token().map(user)) })
        .authorize(|_, rooms, _| async move { Ok(rooms) })
        .notifications::<Note>()
}

pub fn id(name: &str) -> UserId {
    UserId::try_from(name).unwrap()
}

pub fn user(name: &str) -> User {
    User::new(id(name), name)
}

/// Waits until something is so.
pub async fn until(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !so().await {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
