//! Telegram, against a server that speaks its Bot API.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use leptos_realtime::{
    Channel, ChannelMessage, Realtime, SendError, Telegram, TelegramUpdates,
    server::RealtimeBuilder, testing::beside,
};
use serde_json::json;
use tower::ServiceExt;

use super::{
    bot_api::{BotApi, Fault, TOKEN, message},
    support::{Note, builder, config, id, until, user},
};
use crate::common::host::{Host, SqliteHost};

const SECRET: &str = "0123456789abcdef";

async fn prepared(host: &SqliteHost, bot: &BotApi) -> RealtimeBuilder {
    let telegram = Telegram::new(bot.config()).unwrap();
    builder(config())
        .channel(telegram)
        .database(host.database().await)
}

async fn node(host: &SqliteHost, bot: &BotApi) -> Realtime {
    prepared(host, bot).await.start().await.unwrap()
}

async fn tell(node: &Realtime, user: &str, numbers: impl IntoIterator<Item = i64>) {
    for n in numbers {
        let told = node.notify([id(user)], &Note { n }).await.unwrap();
        assert_eq!(told, 1);
    }
}

fn titles(bot: &BotApi, chat: &str) -> Vec<String> {
    let texts = bot.texts(chat);
    let first = |text: &String| text.lines().next().unwrap_or_default().to_owned();
    texts.iter().map(first).collect()
}

#[tokio::test]
async fn each_message_arrives_once_and_in_order_whatever_the_bot_api_answers() {
    let (host, bot) = (SqliteHost::new().await, BotApi::start().await);
    let mut config = bot.config();
    config.limits.timeout = Duration::from_millis(300);
    let node = builder(super::support::config())
        .channel(Telegram::new(config).unwrap())
        .database(host.database().await);
    let node = node.start().await.unwrap();
    node.link_channel(id("ada"), "telegram", "77")
        .await
        .unwrap();
    let mut faults = vec![
        Fault::Refused(500, "Internal Server Error"),
        Fault::Garbage(502, "<html>Bad Gateway</html>"),
        Fault::Garbage(200, "{\"ok\":tr"),
        Fault::Garbage(200, ""),
        Fault::Refused(401, "Unauthorized"),
        Fault::Silence,
        Fault::Busy(1),
    ];
    bot.fail(move |_, text| match text.starts_with('3') {
        true => faults.pop(),
        false => None,
    });
    tell(&node, "ada", 0..6).await;
    until("all is sent", async || bot.texts("77").len() >= 6).await;
    assert_eq!(titles(&bot, "77"), ["0", "1", "2", "3", "4", "5"]);
    assert_eq!(bot.texts("77")[0], "0\n\nhttps://forum.example/n/0");
    let tried = bot.seen().tried.clone();
    let third: Vec<_> = tried.iter().filter(|one| one.1.starts_with('3')).collect();
    assert_eq!(third.len(), 8);
    let waited = third[1].2 - third[0].2;
    assert!(waited >= Duration::from_secs(1), "retry_after: {waited:?}");
    node.shutdown().await;
}

#[tokio::test]
async fn a_bot_that_was_blocked_is_unlinked_with_a_notice() {
    let (host, bot) = (SqliteHost::new().await, BotApi::start().await);
    let node = node(&host, &bot).await;
    for (user, chat) in [("ada", "1"), ("bob", "2"), ("cyd", "3")] {
        node.link_channel(id(user), "telegram", chat).await.unwrap();
    }
    bot.fail(|chat, _| match chat {
        "1" => Some(Fault::Refused(
            403,
            "Forbidden: bot was blocked by the user",
        )),
        "2" => Some(Fault::Refused(400, "Bad Request: chat not found")),
        _ => None,
    });
    for user in ["ada", "bob", "cyd"] {
        tell(&node, user, 0..3).await;
    }
    let pending = "select count(*) from realtime_delivery where done is null";
    until("nothing waits", async || host.number(pending).await == 0).await;
    assert_eq!(titles(&bot, "3"), ["0", "1", "2"]);
    assert_eq!(bot.seen().tried.len(), 5);
    for (user, said) in [("ada", "blocked"), ("bob", "not found")] {
        let linked = node.linked_channels(id(user)).await.unwrap();
        assert_eq!(linked[0].linked, None);
        let problem = linked[0].problem.as_ref().unwrap();
        assert!(problem.contains(said), "{problem}");
    }
    // Also where Telegram says so before anything is sent.
    let kicked = json!({"my_chat_member": {
        "chat": {"id": 3, "type": "private"}, "date": 0,
        "old_chat_member": {"status": "member"}, "new_chat_member": {"status": "kicked"},
    }});
    bot.update(kicked);
    until("the third is unlinked", async || {
        node.linked_channels(id("cyd")).await.unwrap()[0]
            .problem
            .is_some()
    })
    .await;
    node.shutdown().await;
}

#[tokio::test]
async fn a_chat_is_linked_by_a_code_and_ended_by_a_word() {
    let (host, bot) = (SqliteHost::new().await, BotApi::start().await);
    let node = node(&host, &bot).await;
    let old = node.link_code(&user("ada"), "telegram").await.unwrap();
    let code = node.link_code(&user("ada"), "telegram").await.unwrap();
    let late = node.link_code(&user("bob"), "telegram").await.unwrap();
    host.run("update realtime_link_code set expires = 1 where user_id = 'bob'")
        .await;
    let answers = |chat: i64, count: usize| {
        let bot = &bot;
        async move {
            let chat = chat.to_string();
            until("the bot answers", async || bot.texts(&chat).len() >= count).await;
            bot.texts(&chat).pop().unwrap()
        }
    };
    let huge = "x".repeat(200_000);
    for (chat, said) in [
        (1, "/start".to_owned()),
        (2, "/start 0123456789abcdef0123456789abcdef".to_owned()),
        (3, format!("/start {}", old.code)),
        (4, format!("/start {}", late.code)),
        (5, format!("/start {huge}")),
        (6, "/start ' or 1=1 --".to_owned()),
        (7, huge),
        (8, "\u{202e}/start\0\u{1f600}".to_owned()),
    ] {
        bot.say(chat, &said);
        let answer = answers(chat, 1).await;
        assert!(answer.contains("the site"), "{chat}: {answer}");
    }
    let nobody = "select count(*) from realtime_channel";
    assert_eq!(host.number(nobody).await, 0);

    // What cannot be read, or is none of ours, holds nothing up.
    bot.update(json!({"message": {"chat": "?"}}));
    bot.update(json!({"poll": {}}));
    let group = json!({"message": {
        "chat": {"id": -9, "type": "group"}, "text": format!("/start {}", code.code),
    }});
    bot.update(group);
    bot.say(11, &format!("/start {}", code.code));
    assert!(answers(11, 1).await.contains("of ada will come here"));
    assert!(bot.texts("-9").is_empty(), "not in a group");
    tell(&node, "ada", [1]).await;
    until("it is sent", async || bot.texts("11").len() == 2).await;
    bot.say(11, &format!("/start {}", code.code));
    assert!(answers(11, 3).await.contains("already"));
    bot.say(12, &format!("/start {}", code.code));
    assert!(answers(12, 1).await.contains("used before"));

    bot.say(11, "/stop");
    assert!(answers(11, 4).await.contains("nothing more"));
    bot.say(11, "/stop");
    assert!(answers(11, 5).await.contains("not linked"));
    tell(&node, "ada", [2]).await;
    assert_eq!(host.number(nobody).await, 0);

    // Who goes on and on gets no answer any more.
    for _ in 0..20 {
        bot.say(13, "hello");
    }
    bot.say(14, "hello");
    answers(14, 1).await;
    assert!(bot.texts("13").len() <= 7, "{}", bot.texts("13").len());
    until("all is taken", async || bot.untaken() == 0).await;
    node.shutdown().await;
}

#[tokio::test]
async fn of_two_instances_one_asks_what_was_said_and_the_other_when_it_is_gone() {
    let (host, bot) = (SqliteHost::new().await, BotApi::start().await);
    bot.seen().webhook = Some(json!({"url": "https://old.example"}));
    let one = node(&host, &bot).await;
    let two = prepared(&host, &bot).await;
    let two = beside(two, &one).start().await.unwrap();
    until("an old webhook is deleted", async || {
        bot.seen().webhook.is_none()
    })
    .await;
    for n in 0..10 {
        let code = two.link_code(&user("ada"), "telegram").await.unwrap();
        bot.say(n, &format!("/start {}", code.code));
        let chat = n.to_string();
        until("it is linked", async || !bot.texts(&chat).is_empty()).await;
        assert!(bot.texts(&chat)[0].contains("will come here"));
    }
    assert_eq!(bot.seen().asking.1, 1, "one at a time");
    one.shutdown().await;
    bot.say(1_000, "hello");
    until("the other answers", async || !bot.texts("1000").is_empty()).await;
    two.shutdown().await;
    let leases = "select count(*) from realtime_lease where name = 'telegram'";
    assert_eq!(host.number(leases).await, 0, "who goes leaves it to others");
}

/// The webhook's answer to an update.
async fn told(app: &Router, secret: Option<&str>, body: impl Into<Body>) -> StatusCode {
    let mut request = Request::post("/realtime/telegram");
    if let Some(secret) = secret {
        request = request.header("X-Telegram-Bot-Api-Secret-Token", secret);
    }
    let request = request.body(body.into()).unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    let status = response.status();
    assert!(
        to_bytes(response.into_body(), 100)
            .await
            .unwrap()
            .is_empty()
    );
    status
}

#[tokio::test]
async fn a_webhook_takes_what_telegram_says_and_nothing_else() {
    let (host, bot) = (SqliteHost::new().await, BotApi::start().await);
    let mut of = bot.config();
    of.updates = TelegramUpdates::Webhook {
        secret: SECRET.to_owned(),
    };
    let node = builder(config()).channel(Telegram::new(of).unwrap());
    let node = node.database(host.database().await).start().await.unwrap();
    until("Telegram knows it", async || bot.seen().webhook.is_some()).await;
    let webhook = bot.seen().webhook.clone().unwrap();
    assert_eq!(webhook["url"], "https://forum.example/realtime/telegram");
    assert_eq!(webhook["secret_token"], SECRET);
    let app: Router = node.routes();
    let code = node.link_code(&user("ada"), "telegram").await.unwrap();
    let start = || message(5, &format!("/start {}", code.code)).to_string();
    for secret in [
        None,
        Some(""),
        Some("0123456789abcdeF"),
        Some("0123456789abcdef0"),
    ] {
        assert_eq!(told(&app, secret, start()).await, StatusCode::UNAUTHORIZED);
    }
    let right = Some(SECRET);
    for bad in ["", "{", "[1]", "{\"message\":7}"] {
        assert_eq!(
            told(&app, right, bad).await,
            StatusCode::BAD_REQUEST,
            "{bad}"
        );
    }
    let large = "x".repeat(300 * 1024);
    assert_eq!(
        told(&app, right, large).await,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    assert_eq!(told(&app, right, "{\"poll\":{}}").await, StatusCode::OK);

    // While the database is away Telegram is to say it again.
    host.run("alter table realtime_link_code rename to realtime_away")
        .await;
    assert_eq!(
        told(&app, right, start()).await,
        StatusCode::SERVICE_UNAVAILABLE
    );
    host.run("alter table realtime_away rename to realtime_link_code")
        .await;
    assert_eq!(told(&app, right, start()).await, StatusCode::OK);
    assert!(bot.texts("5")[0].contains("will come here"));
    tell(&node, "ada", [1]).await;
    until("it is sent", async || bot.texts("5").len() == 2).await;
    assert!(!bot.seen().methods.contains(&"getUpdates".to_owned()));
    node.shutdown().await;
}

/// The second window: the other side takes a message, and its answer is lost.
#[tokio::test]
async fn a_message_whose_answer_is_lost_is_sent_again() {
    let (host, bot) = (SqliteHost::new().await, BotApi::start().await);
    let mut of = bot.config();
    of.limits.timeout = Duration::from_millis(200);
    let node = builder(config()).channel(Telegram::new(of).unwrap());
    let node = node.database(host.database().await).start().await.unwrap();
    node.link_channel(id("ada"), "telegram", "1").await.unwrap();
    let first = AtomicBool::new(true);
    bot.fail(move |_, _| first.swap(false, Ordering::Relaxed).then_some(Fault::Lost));
    tell(&node, "ada", 0..3).await;
    until("all is sent", async || bot.texts("1").len() >= 4).await;
    assert_eq!(titles(&bot, "1"), ["0", "0", "1", "2"]);
    node.shutdown().await;
}

#[tokio::test]
async fn no_error_says_the_token() {
    let bot = BotApi::start().await;
    let mut of = bot.config();
    let told = Arc::new(Mutex::new(Vec::new()));
    // Nobody listens there.
    of.api_url = "http://127.0.0.1:9".to_owned();
    let telegram = Telegram::new(of.clone()).unwrap();
    let message = ChannelMessage::new("hello");
    for address in ["1", "../../bot", "\r\n"] {
        let error = telegram.send(address, &message).await.unwrap_err();
        assert!(matches!(error, SendError::Later { after: None, .. }));
        told.lock().unwrap().push(format!("{error} {error:?}"));
    }
    of.api_url = "http://no such host".to_owned();
    let error = Telegram::new(of)
        .unwrap()
        .send("1", &message)
        .await
        .unwrap_err();
    told.lock().unwrap().push(format!("{error} {error:?}"));
    for text in told.lock().unwrap().iter() {
        assert!(!text.contains(TOKEN) && !text.contains("secret"), "{text}");
    }
}
