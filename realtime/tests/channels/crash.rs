//! Deliveries with real deaths: processes of their own send what people were told to a Bot API that fails at one in
//! five, and one of them is killed. Everything arrives once and in order; beyond that at most what the Bot API had taken
//! from the dead process, and the database did not know yet.
//!
//! `CHANNEL_DELIVERIES` says how many there are, `CHANNEL_KILLS` how many processes are killed, one after the other.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Mutex,
    time::Duration,
};

use leptos_realtime::{
    Telegram, TelegramConfig, TelegramUpdates, core::backoff::Backoff, server::Database,
};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use super::{
    bot_api::{BotApi, Fault, TOKEN},
    support::{Note, Recorder, builder, config, id, limits, until},
};
use crate::common::host::{Host, PostgresHost, SqliteHost, sqlite_pool};

/// What a process that sends is told: the database, and the Bot API.
const ORDERS: &str = "CHANNEL_CRASH_ORDERS";

/// How many chats there are: more than one process sends to at once.
const CHATS: usize = 50;

async fn database(address: &str) -> Database {
    match address.split_once(':').unwrap() {
        ("sqlite", file) => sqlite_pool(PathBuf::from(file)).await.into(),
        (_, folder) => {
            let options = PgConnectOptions::new()
                .socket(folder)
                .username("postgres")
                .database("postgres");
            let pool = PgPoolOptions::new().max_connections(8);
            pool.connect_with(options).await.unwrap().into()
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the tests below, which kill it"]
async fn the_process_that_sends() {
    let Ok(orders) = std::env::var(ORDERS) else {
        return;
    };
    let (address, url): (String, String) = serde_json::from_str(&orders).unwrap();
    let mut of = TelegramConfig::new(TOKEN).unwrap();
    of.api_url = url;
    of.updates = TelegramUpdates::None;
    of.limits = limits();
    of.limits.timeout = Duration::from_millis(1_000);
    of.limits.backoff = Backoff {
        base_ms: 20,
        cap_ms: 200,
    };
    let node = builder(config()).channel(Telegram::new(of).unwrap());
    let _node = node
        .database(database(&address).await)
        .start()
        .await
        .unwrap();
    println!("sending");
    tokio::time::sleep(Duration::from_secs(600)).await;
}

/// A process that sends. It does not outlive the test.
struct Sender(Child);

impl Sender {
    fn start(address: &str, url: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "crash::the_process_that_sends",
                "--exact",
                "--ignored",
                "--nocapture",
            ])
            .env(ORDERS, serde_json::to_string(&(address, url)).unwrap())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let begun = said.any(|line| line.is_ok_and(|line| line.contains("sending")));
        assert!(begun, "the process that sends must begin");
        Self(child)
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn setting(variable: &str, default: usize) -> usize {
    std::env::var(variable).map_or(default, |value| value.parse().unwrap())
}

async fn deaths<H: Host>(host: &H, address: &str) {
    let deliveries = setting("CHANNEL_DELIVERIES", 150);
    let kills = setting("CHANNEL_KILLS", 1);
    let bot = BotApi::start().await;
    let tries = Mutex::new(0_u64);
    bot.fail(move |_, _| {
        let mut tries = tries.lock().unwrap();
        *tries += 1;
        // One in five, one after the other of each kind.
        tries.is_multiple_of(5).then(|| match *tries / 5 % 5 {
            0 => Fault::Busy(1),
            1 => Fault::Refused(500, "Internal Server Error"),
            2 => Fault::Garbage(502, "<html>Bad Gateway</html>"),
            3 => Fault::Garbage(200, "{\"ok\":tr"),
            _ => Fault::Silence,
        })
    });
    // Tells people, and sends nothing itself.
    let teller = builder(config()).channel(Recorder::new());
    let teller = teller
        .database(host.database().await)
        .start()
        .await
        .unwrap();
    let people: Vec<_> = (0..CHATS)
        .map(|chat| id(&format!("person-{chat}")))
        .collect();
    for (chat, user) in people.iter().enumerate() {
        host.run_with(
            "insert into realtime_channel (user_id, channel, address, linked) values ($1, 'telegram', $2, 1)",
            user.as_str(),
            &chat.to_string(),
        )
        .await;
    }
    let each = deliveries.div_ceil(CHATS);
    for n in 0..each {
        let n = i64::try_from(n).unwrap();
        teller.notify(people.clone(), &Note { n }).await.unwrap();
    }
    let all = each * CHATS;

    let (mut one, mut two) = (
        Sender::start(address, &bot.url()),
        Sender::start(address, &bot.url()),
    );
    let mut allowed = BTreeSet::new();
    for kill in 0..kills {
        let part = all * (kill + 1) / (kills + 2);
        until("some is sent", async || distinct(&bot) >= part).await;
        // SIGKILL.
        two.0.kill().unwrap();
        two.0.wait().unwrap();
        // What it had said already is still on its way to the Bot API.
        tokio::time::sleep(Duration::from_millis(300)).await;
        // What the Bot API took, and the database does not know: of the dead, and what the other is at right now.
        allowed.extend(unmarked(host, &bot).await);
        // The next to die is the one that was left.
        two = std::mem::replace(&mut one, Sender::start(address, &bot.url()));
    }
    until("all is sent", async || distinct(&bot) >= all).await;
    let pending = "select count(*) from realtime_delivery where done is null";
    until("nothing waits", async || host.number(pending).await == 0).await;

    let taken = bot.seen().taken.clone();
    let mut chats: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut twice = BTreeSet::new();
    for (chat, text) in taken {
        let got = chats.entry(chat.clone()).or_default();
        match got.contains(&text) {
            true => assert!(twice.insert((chat, text)), "three times"),
            false => got.push(text),
        }
    }
    let in_order: Vec<String> = (0..each)
        .map(|n| format!("{n}\n\nhttps://forum.example/n/{n}"))
        .collect();
    assert_eq!(chats.len(), CHATS);
    for (chat, got) in chats {
        assert_eq!(got, in_order, "chat {chat}");
    }
    assert!(twice.is_subset(&allowed), "{twice:?} beyond {allowed:?}");
    let tried = bot.seen().tried.len();
    println!(
        "{all} deliveries, {tried} tries, {kills} killed: {} sent twice, of {} that the database did not know of",
        twice.len(),
        allowed.len(),
    );
    drop((one, two));
    teller.shutdown().await;
}

/// How many messages arrived, each counted once.
fn distinct(bot: &BotApi) -> usize {
    let seen = bot.seen();
    seen.taken.iter().collect::<BTreeSet<_>>().len()
}

/// What arrived, and is not marked as sent.
async fn unmarked<H: Host>(host: &H, bot: &BotApi) -> BTreeSet<(String, String)> {
    let taken: BTreeSet<_> = bot.seen().taken.iter().cloned().collect();
    let mut unmarked = BTreeSet::new();
    for (chat, text) in taken {
        let n = text.lines().next().unwrap();
        let marked = "select count(*) from realtime_delivery d
            join realtime_notification n on n.id = d.notification
            where d.user_id = $1 and d.outcome = 'sent' and n.data = $2";
        let user = format!("person-{chat}");
        let data = format!("{{\"n\":{n}}}");
        if host.number_with(marked, &user, &data).await == 0 {
            unmarked.insert((chat, text));
        }
    }
    unmarked
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite_each_delivery_arrives_once_and_in_order_also_when_a_process_is_killed() {
    let host = SqliteHost::new().await;
    let address = format!("sqlite:{}", host.file().display());
    deaths(&host, &address).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres_each_delivery_arrives_once_and_in_order_also_when_a_process_is_killed() {
    let host = PostgresHost::new().await;
    let address = format!("postgres:{}", host.server.folder().display());
    deaths(&host, &address).await;
}
