//! A server that speaks the Bot API, as far as it is used, and fails as a test says.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use leptos_realtime::TelegramConfig;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle};

pub const TOKEN: &str = "123456:secret-secret-secret";

/// What becomes of a message.
#[derive(Clone, Debug)]
pub enum Fault {
    /// An answer that is an error, as the Bot API says it.
    Refused(u16, &'static str),
    /// Too many: to be tried again after so many seconds.
    Busy(u64),
    /// An answer of something between.
    Garbage(u16, &'static str),
    /// No answer.
    Silence,
    /// The message is taken, and there is no answer.
    Lost,
}

pub type Faults = Box<dyn FnMut(&str, &str) -> Option<Fault> + Send>;

#[derive(Default)]
pub struct Seen {
    /// Chat and text of what was taken, in order.
    pub taken: Vec<(String, String)>,
    /// The same of what was tried, and when.
    pub tried: Vec<(String, String, Instant)>,
    pub methods: Vec<String>,
    pub webhook: Option<Value>,
    /// How many asked for updates at once, and the most of them.
    pub asking: (usize, usize),
    updates: VecDeque<(i64, Value)>,
    next: i64,
}

struct Shared {
    seen: Mutex<Seen>,
    faults: Mutex<Faults>,
    more: Notify,
}

/// See the [module](self). It ends with its last handle.
pub struct BotApi {
    shared: Arc<Shared>,
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Drop for BotApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl BotApi {
    pub async fn start() -> Self {
        let shared = Arc::new(Shared {
            seen: Mutex::default(),
            faults: Mutex::new(Box::new(|_, _| None)),
            more: Notify::new(),
        });
        let app = Router::new()
            .route("/{bot}/{method}", post(method))
            .with_state(shared.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            shared,
            address,
            server,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A bot that uses it, without rests.
    pub fn config(&self) -> TelegramConfig {
        let mut config = TelegramConfig::new(TOKEN).unwrap();
        config.api_url = self.url();
        config.limits = super::support::limits();
        config
    }

    pub fn fail(&self, faults: impl FnMut(&str, &str) -> Option<Fault> + Send + 'static) {
        *self.shared.faults.lock().unwrap() = Box::new(faults);
    }

    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.shared.seen.lock().unwrap()
    }

    /// The texts that a chat got.
    pub fn texts(&self, chat: &str) -> Vec<String> {
        let seen = self.seen();
        let to = seen.taken.iter().filter(|(to, _)| to == chat);
        to.map(|(_, text)| text.clone()).collect()
    }

    /// Somebody says something to the bot.
    pub fn say(&self, chat: i64, text: &str) {
        self.update(message(chat, text));
    }

    pub fn update(&self, update: Value) {
        let mut seen = self.seen();
        seen.next += 1;
        let id = seen.next;
        let mut update = update;
        update["update_id"] = json!(id);
        seen.updates.push_back((id, update));
        self.shared.more.notify_waiters();
    }

    /// How much that was said has not been taken.
    pub fn untaken(&self) -> usize {
        self.seen().updates.len()
    }
}

pub fn message(chat: i64, text: &str) -> Value {
    json!({
        "update_id": 1,
        "message": {
            "message_id": 5, "date": 0, "text": text,
            "from": {"id": chat, "is_bot": false, "first_name": "Ada"},
            "chat": {"id": chat, "type": "private", "first_name": "Ada"},
        },
    })
}

fn ok(result: Value) -> Response {
    Json(json!({"ok": true, "result": result})).into_response()
}

fn refused(code: u16, description: &str, parameters: Value) -> Response {
    let status = StatusCode::from_u16(code).unwrap();
    let body = json!({
        "ok": false, "error_code": code, "description": description, "parameters": parameters,
    });
    (status, Json(body)).into_response()
}

async fn method(
    State(shared): State<Arc<Shared>>,
    Path((bot, method)): Path<(String, String)>,
    Json(asked): Json<Value>,
) -> Response {
    if bot != format!("bot{TOKEN}") {
        return refused(401, "Unauthorized", json!({}));
    }
    shared.seen.lock().unwrap().methods.push(method.clone());
    match &*method {
        "getMe" => ok(json!({"id": 123_456, "is_bot": true, "username": "forum_bot"})),
        "sendMessage" => send(&shared, &asked).await,
        "setWebhook" => {
            shared.seen.lock().unwrap().webhook = Some(asked);
            ok(json!(true))
        }
        "deleteWebhook" => {
            shared.seen.lock().unwrap().webhook = None;
            ok(json!(true))
        }
        "getUpdates" => updates(&shared, &asked).await,
        _ => refused(404, "Not Found", json!({})),
    }
}

async fn send(shared: &Shared, asked: &Value) -> Response {
    let chat = asked["chat_id"].as_str().unwrap().to_owned();
    let text = asked["text"].as_str().unwrap().to_owned();
    assert!(!text.is_empty() && text.encode_utf16().count() <= 4_096);
    let tried = (chat.clone(), text.clone(), Instant::now());
    shared.seen.lock().unwrap().tried.push(tried);
    let fault = (shared.faults.lock().unwrap())(&chat, &text);
    let take = || shared.seen.lock().unwrap().taken.push((chat, text));
    match fault {
        None => {
            take();
            ok(json!({"message_id": 1, "date": 0, "chat": {"id": 1, "type": "private"}}))
        }
        Some(Fault::Refused(code, why)) => refused(code, why, json!({})),
        Some(Fault::Busy(seconds)) => {
            let why = format!("Too Many Requests: retry after {seconds}");
            refused(429, &why, json!({"retry_after": seconds}))
        }
        Some(Fault::Garbage(code, body)) => {
            (StatusCode::from_u16(code).unwrap(), body).into_response()
        }
        Some(Fault::Silence) => std::future::pending().await,
        Some(Fault::Lost) => {
            take();
            std::future::pending().await
        }
    }
}

async fn updates(shared: &Shared, asked: &Value) -> Response {
    let webhook = shared.seen.lock().unwrap().webhook.is_some();
    if webhook {
        let why = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first";
        return refused(409, why, json!({}));
    }
    let _asking = Asking::new(shared);
    let offset = asked["offset"].as_i64().unwrap_or(0);
    // Earlier than was asked for, as the Bot API may.
    let deadline = tokio::time::Instant::now() + Duration::from_millis(200);
    loop {
        let more = shared.more.notified();
        let found: Vec<Value> = {
            let mut seen = shared.seen.lock().unwrap();
            seen.updates.retain(|(id, _)| *id >= offset);
            seen.updates
                .iter()
                .map(|(_, update)| update.clone())
                .collect()
        };
        if !found.is_empty() || tokio::time::timeout_at(deadline, more).await.is_err() {
            return ok(json!(found));
        }
    }
}

struct Asking<'a>(&'a Shared);

impl<'a> Asking<'a> {
    fn new(shared: &'a Shared) -> Self {
        let mut seen = shared.seen.lock().unwrap();
        seen.asking.0 += 1;
        seen.asking.1 = seen.asking.1.max(seen.asking.0);
        drop(seen);
        Self(shared)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.seen.lock().unwrap().asking.0 -= 1;
    }
}
