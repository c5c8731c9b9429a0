//! Telegram: notifications as messages of a bot.
//!
//! `api` speaks the [Bot API](https://core.telegram.org/bots/api), `updates` hears what people say to the bot: by long
//! polling, which one instance does at a time, or by a webhook. A person links their chat with a code that the bot is
//! started with (`/start CODE`), and ends it with `/stop`, or by blocking the bot.

mod api;
mod config;
mod updates;

use std::{fmt, sync::Arc, time::Duration};

use api::{Api, ApiError};
use async_trait::async_trait;
use axum::Router;
pub use config::{TelegramConfig, TelegramTexts, TelegramUpdates};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;
use updates::Replies;

use super::{Channel, ChannelLimits, ChannelMessage, Links, SendError};
use crate::server::ConfigError;

/// The longest text of a message: <https://core.telegram.org/bots/api#sendmessage>.
const MAX_TEXT: usize = 4_096;

/// How long an answer may take that somebody waits for.
const ANSWER: Duration = Duration::from_secs(10);

/// Notifications to people's chats with a bot. Cheap to clone.
///
/// ```no_run
/// # use leptos_realtime::{NotificationData, Realtime, RealtimeConfig, Telegram, TelegramConfig};
/// # async fn start<D: NotificationData>(pool: sqlx::SqlitePool) -> Result<(), Box<dyn std::error::Error>> {
/// let mut builder = Realtime::builder(RealtimeConfig::from_env()?).database(pool).notifications::<D>();
/// if let Some(config) = TelegramConfig::from_env()? {
///     builder = builder.channel(Telegram::new(config)?);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Telegram(Arc<Inner>);

struct Inner {
    api: Api,
    config: TelegramConfig,
    /// The bot's own name, once it is known.
    name: OnceCell<String>,
    replies: Replies,
}

impl fmt::Debug for Telegram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Telegram").field(&self.0.config).finish()
    }
}

/// A message to a chat.
#[derive(Serialize)]
struct SendMessage<'a> {
    chat_id: &'a str,
    text: &'a str,
    link_preview_options: LinkPreview,
}

#[derive(Serialize)]
struct LinkPreview {
    is_disabled: bool,
}

/// What is not looked at.
#[derive(Deserialize)]
struct Anything {}

/// No parameters.
#[derive(Serialize)]
struct Nothing {}

/// The bot itself.
#[derive(Deserialize)]
struct Me {
    username: String,
}

impl Telegram {
    /// The channel `telegram`, of the bot that this configures. Nothing is asked of Telegram yet.
    ///
    /// # Errors
    /// When the system has no certificates to know Telegram by.
    pub fn new(config: TelegramConfig) -> Result<Self, ConfigError> {
        Ok(Self(Arc::new(Inner {
            api: Api::new(&config)?,
            name: OnceCell::new_with(config.bot_name.clone()),
            replies: Replies::default(),
            config,
        })))
    }

    /// Sends a text to a chat.
    async fn say(&self, chat: &str, text: &str) -> Result<(), ApiError> {
        let message = SendMessage {
            chat_id: chat,
            text,
            link_preview_options: LinkPreview { is_disabled: true },
        };
        let sent = self.0.api.call("sendMessage", &message, ANSWER).await;
        sent.map(|_: Anything| ())
    }

    async fn name(&self) -> Result<&str, ApiError> {
        let ask = || async {
            let me: Me = self.0.api.call("getMe", &Nothing {}, ANSWER).await?;
            Ok(me.username)
        };
        self.0.name.get_or_try_init(ask).await.map(String::as_str)
    }
}

#[async_trait]
impl Channel for Telegram {
    fn name(&self) -> &'static str {
        "telegram"
    }

    async fn send(&self, address: &str, message: &ChannelMessage) -> Result<(), SendError> {
        let text = message.text(MAX_TEXT);
        Ok(self.say(address, &text).await?)
    }

    fn limits(&self) -> ChannelLimits {
        self.0.config.limits
    }

    async fn link_url(&self, code: &str) -> Result<Option<String>, SendError> {
        let name = self.name().await?;
        Ok(Some(format!("https://t.me/{name}?start={code}")))
    }

    fn routes(&self, links: Links) -> Option<Router> {
        match &self.0.config.updates {
            TelegramUpdates::Webhook { .. } => Some(updates::webhook(self.clone(), links)),
            TelegramUpdates::Poll | TelegramUpdates::None => None,
        }
    }

    async fn run(&self, links: Links) {
        match &self.0.config.updates {
            TelegramUpdates::Poll => self.poll(&links).await,
            TelegramUpdates::Webhook { secret } => self.announce_webhook(&links, secret).await,
            TelegramUpdates::None => {}
        }
    }
}
