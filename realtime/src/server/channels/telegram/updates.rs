//! What people say to the bot.

use std::{borrow::Cow, sync::Arc, time::Duration};

use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    routing::post,
};
use governor::{
    Quota, RateLimiter, middleware::NoOpMiddleware, nanos::Nanos, state::keyed::HashMapStateStore,
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep, timeout};

use super::{ANSWER, Nothing, Telegram, TelegramUpdates, api::ApiError};
use crate::server::{
    StoreError,
    channels::{LinkOutcome, Links},
    clock::Monotonic,
    secret::is_same,
};

/// How long the Bot API may take to have something to say.
const LONG: Duration = Duration::from_secs(20);

/// For how long one instance is the one that asks, from each time that it does.
const LEASE: Duration = Duration::from_secs(60);

/// How often the others look whether it is gone.
const STANDBY: Duration = Duration::from_secs(5);

/// The first and the longest pause after a failure.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// The largest update that is taken, in bytes.
const MAX_UPDATE: usize = 256 * 1024;

/// How long its bytes may take.
const READ: Duration = Duration::from_secs(10);

/// What the bot wants to be told.
const ALLOWED: [&str; 2] = ["message", "my_chat_member"];

/// What was said, or happened. Fields that are not needed are passed over.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Update {
    message: Option<Message>,
    my_chat_member: Option<Membership>,
}

#[derive(Debug, Deserialize)]
struct Message {
    chat: Chat,
    #[serde(default)]
    text: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Chat {
    id: i64,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Debug, Deserialize)]
struct Membership {
    chat: Chat,
    new_chat_member: Member,
}

#[derive(Debug, Deserialize)]
struct Member {
    status: String,
}

#[derive(Serialize)]
struct GetUpdates {
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<i64>,
    limit: u32,
    timeout: u64,
    allowed_updates: [&'static str; 2],
}

#[derive(Serialize)]
struct SetWebhook<'a> {
    url: &'a str,
    secret_token: &'a str,
    allowed_updates: [&'static str; 2],
}

/// How many answers a chat gets: a few at once, then some a minute.
pub(super) struct Replies(
    RateLimiter<i64, HashMapStateStore<i64>, Monotonic, NoOpMiddleware<Nanos>>,
);

impl Default for Replies {
    fn default() -> Self {
        let six = std::num::NonZeroU32::MIN.saturating_add(5);
        let quota = Quota::per_minute(six);
        Self(RateLimiter::new(
            quota,
            HashMapStateStore::default(),
            Monotonic::start(),
        ))
    }
}

impl Replies {
    /// The most chats that are remembered.
    const MOST: usize = 10_000;

    fn allow(&self, chat: i64) -> bool {
        if self.0.len() > Self::MOST {
            self.0.retain_recent();
        }
        self.0.len() <= Self::MOST * 2 && self.0.check_key(&chat).is_ok()
    }
}

impl Telegram {
    /// Does what was said, and answers. Failing to answer is no failure.
    async fn hear(&self, links: &Links, update: Update) -> Result<(), StoreError> {
        if let Some(Membership {
            chat,
            new_chat_member,
        }) = update.my_chat_member
            && chat.kind == "private"
            && new_chat_member.status == "kicked"
        {
            let why = "the bot was blocked";
            links.gone(&chat.id.to_string(), why).await?;
        }
        let Some(Message {
            chat,
            text: Some(text),
        }) = update.message
        else {
            return Ok(());
        };
        // In a group everybody would read what is one person's.
        if chat.kind != "private" {
            return Ok(());
        }
        let address = chat.id.to_string();
        let texts = &self.0.config.texts;
        let mut words = text.split_whitespace();
        let answer: Cow<'_, str> = match (words.next(), words.next()) {
            (Some("/start"), Some(code)) => match links.redeem(code, &address).await? {
                LinkOutcome::Linked(user) => {
                    tracing::info!(user = %user.id, "a chat was linked");
                    texts.linked.replace("{name}", &user.name).into()
                }
                LinkOutcome::Before(_) => (&texts.linked_before).into(),
                LinkOutcome::Unknown => (&texts.unknown_code).into(),
            },
            (Some("/stop"), _) => match links.unlink(&address).await? {
                Some(_) => (&texts.unlinked).into(),
                None => (&texts.not_linked).into(),
            },
            _ => (&texts.help).into(),
        };
        if self.0.replies.allow(chat.id)
            && let Err(error) = self.say(&address, &answer).await
        {
            tracing::debug!(%error, "an answer could not be sent");
        }
        Ok(())
    }

    /// Asks what was said, for as long as it is this instance that does, and again when it is.
    pub(super) async fn poll(&self, links: &Links) {
        let mut offset = None;
        let mut pause = PAUSES.0;
        loop {
            let wait = match links.lease(LEASE).await {
                Ok(true) => match self.ask(links, &mut offset).await {
                    Ok(()) => {
                        pause = PAUSES.0;
                        continue;
                    }
                    Err(error) => self.mend(error).await,
                },
                Ok(false) => {
                    offset = None;
                    sleep(STANDBY).await;
                    continue;
                }
                Err(error) => {
                    tracing::warn!(%error, "what people say to the bot waits for the database");
                    None
                }
            };
            sleep(wait.unwrap_or(pause)).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    /// Takes what was said since. What was not taken to its end is said again.
    async fn ask(&self, links: &Links, offset: &mut Option<i64>) -> Result<(), AskError> {
        let asked = GetUpdates {
            offset: *offset,
            limit: 50,
            timeout: LONG.as_secs(),
            allowed_updates: ALLOWED,
        };
        let began = Instant::now();
        let api = &self.0.api;
        let said: Vec<serde_json::Value> = api.call("getUpdates", &asked, LONG + ANSWER).await?;
        for update in said {
            let Some(id) = update["update_id"].as_i64() else {
                continue;
            };
            // Answers may have taken long: then it may be another instance by now.
            if began.elapsed() > LEASE / 2 && !links.lease(LEASE).await? {
                return Ok(());
            }
            match serde_json::from_value(update) {
                Ok(update) => self.hear(links, update).await?,
                Err(error) => tracing::debug!(%error, "something was said that cannot be read"),
            }
            *offset = Some(id.saturating_add(1));
        }
        Ok(())
    }

    /// What can be done about a failure, and how long to wait where the Bot API says so.
    async fn mend(&self, error: AskError) -> Option<Duration> {
        match error {
            AskError::Database(error) => {
                tracing::warn!(%error, "what people say to the bot waits for the database");
                None
            }
            AskError::Api(ApiError::Refused {
                code: 409,
                description,
                ..
            }) if description.contains("webhook") => {
                tracing::info!(
                    "the bot had a webhook: it is deleted, since TELEGRAM_UPDATES is poll"
                );
                let deleted = self.0.api.call("deleteWebhook", &Nothing {}, ANSWER).await;
                if let Err(error) = deleted.map(|_: bool| ()) {
                    tracing::warn!(%error, "the webhook could not be deleted");
                }
                None
            }
            AskError::Api(error) => {
                tracing::warn!(%error, "Telegram does not say what people say to the bot");
                match error {
                    ApiError::Refused { retry_after, .. } => retry_after,
                    ApiError::Unanswered(_) => None,
                }
            }
        }
    }

    /// Says where the bot is to be told what people say, until it was heard.
    pub(super) async fn announce_webhook(&self, links: &Links, secret: &str) {
        let Some(url) = links.url() else {
            tracing::error!("without SITE_URL Telegram cannot be told where the webhook is");
            return;
        };
        let webhook = SetWebhook {
            url,
            secret_token: secret,
            allowed_updates: ALLOWED,
        };
        let mut pause = PAUSES.0;
        loop {
            let set = self.0.api.call("setWebhook", &webhook, ANSWER).await;
            match set.map(|_: bool| ()) {
                Ok(()) => return,
                Err(error) => tracing::warn!(%error, "the webhook could not be set"),
            }
            sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }
}

/// Why it is not known what was said, or was not done.
#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error(transparent)]
    Database(#[from] StoreError),
}

/// Where the bot is told what people say.
pub(super) fn webhook(telegram: Telegram, links: Links) -> Router {
    Router::new()
        .route("/", post(told))
        .with_state(Arc::new((telegram, links)))
}

async fn told(State(state): State<Arc<(Telegram, Links)>>, request: Request) -> StatusCode {
    let (telegram, links) = &*state;
    let TelegramUpdates::Webhook { secret } = &telegram.0.config.updates else {
        return StatusCode::NOT_FOUND;
    };
    let given = request.headers().get("x-telegram-bot-api-secret-token");
    if !given.is_some_and(|given| is_same(given.as_bytes(), secret.as_bytes())) {
        return StatusCode::UNAUTHORIZED;
    }
    let body = match timeout(READ, to_bytes(request.into_body(), MAX_UPDATE)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return StatusCode::PAYLOAD_TOO_LARGE,
        Err(_) => return StatusCode::REQUEST_TIMEOUT,
    };
    let Ok(update) = serde_json::from_slice(&body) else {
        return StatusCode::BAD_REQUEST;
    };
    match telegram.hear(links, update).await {
        Ok(()) => StatusCode::OK,
        Err(error) => {
            tracing::warn!(%error, "what was said to the bot is to be said again: the database is away");
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}
