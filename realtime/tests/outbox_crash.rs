//! C13 with real deaths: a process writes rows of its own, each with an event in the same transaction, and is killed:
//! at a random moment, or at a chosen one between write, commit, publication and mark. A new process on the same
//! database then shows each committed row's event exactly once, and no other.
//!
//! The meeting point outlives both, as Redis does. `OUTBOX_CRASHES` says how many deaths there are for each database;
//! for more than a few hundred use `cargo test`, since nextest ends a test after two minutes.
#![cfg(all(feature = "testing", feature = "sqlite", feature = "postgres"))]
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use common::{
    durable::{appended, durable},
    host::sqlite_pool,
    postgres::Postgres,
};
use leptos_realtime::{
    Position, Realtime, RealtimeConfig, User,
    protocol::Auth,
    rooms,
    server::{Database, HostTransaction},
    testing::{TestClient, around_broker, handshake},
};
use sqlx::{
    Executor, PgPool, SqlitePool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

rooms! { Board(i64) => i64 }

/// When the process dies.
const STEPS: [&str; 5] = ["anywhere", "written", "committed", "published", "marked"];

/// The most rows that a process writes.
const ROWS: i64 = 400;

/// The host's database, opened by one process.
#[derive(Clone)]
enum Host {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Host {
    /// By an address that another process can use: a kind and a path. A server knows its users by name.
    async fn open(address: &str, name: &str) -> Self {
        match address.split_once(':').unwrap() {
            ("sqlite", file) => Self::Sqlite(sqlite_pool(PathBuf::from(file)).await),
            (_, folder) => {
                let options = PgConnectOptions::new()
                    .socket(folder)
                    .username("postgres")
                    .database("postgres")
                    .application_name(name);
                let pool = PgPoolOptions::new().max_connections(6);
                Self::Postgres(pool.connect_with(options).await.unwrap())
            }
        }
    }

    fn database(&self) -> Database {
        match self.clone() {
            Self::Sqlite(pool) => pool.into(),
            Self::Postgres(pool) => pool.into(),
        }
    }

    async fn run(&self, statement: &'static str) {
        match self {
            Self::Sqlite(pool) => drop(pool.execute(statement).await.unwrap()),
            Self::Postgres(pool) => drop(pool.execute(statement).await.unwrap()),
        }
    }

    async fn numbers(&self, statement: &'static str, parameter: i64) -> Vec<i64> {
        match self {
            Self::Sqlite(pool) => sqlx::query_scalar(statement)
                .bind(parameter)
                .fetch_all(pool)
                .await
                .unwrap(),
            Self::Postgres(pool) => sqlx::query_scalar(statement)
                .bind(parameter)
                .fetch_all(pool)
                .await
                .unwrap(),
        }
    }

    /// Waits until the database has done what a dead process still asked of it: a server that was sent a commit makes
    /// it, whether or not anybody waits for the answer. SQLite dies with its process.
    async fn settled(&self) {
        let others = "select pid::bigint from pg_stat_activity
            where backend_type = 'client backend' and pid <> pg_backend_pid() and pid > $1
            and application_name = 'the process that dies'";
        let deadline = Instant::now() + Duration::from_secs(30);
        while matches!(self, Self::Postgres(_)) && !self.numbers(others, 0).await.is_empty() {
            assert!(Instant::now() < deadline, "connections of the dead stay");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Waits until every row of the outbox is marked.
    async fn all_marked(&self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        let unmarked = "select id from realtime_outbox where published is null and id > $1";
        while !self.numbers(unmarked, 0).await.is_empty() {
            assert!(Instant::now() < deadline, "rows stay unmarked");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// A module whose meeting point lasts. `then` is told of each append.
async fn start(host: &Host, log: &Path, then: impl Fn(i64) + Send + Sync + 'static) -> Realtime {
    let builder = Realtime::builder(RealtimeConfig::default())
        .authenticate(
            |handshake| async move { Ok(handshake.token().map(|name| User::new(1, name))) },
        )
        .authorize(|_, rooms, _| async move { Ok(rooms) })
        .database(host.database());
    let log = log.to_owned();
    let builder = around_broker(builder, move |inner| {
        durable(inner, &log, move |event| {
            then(event.data.get().parse().unwrap());
        })
    });
    builder.start().await.unwrap()
}

/// What the process that dies is told.
struct Orders {
    address: String,
    log: PathBuf,
    room: i64,
    step: String,
    /// The row at which it dies.
    at: i64,
}

impl Orders {
    const VARIABLE: &str = "OUTBOX_CRASH_ORDERS";

    fn read() -> Option<Self> {
        let text = std::env::var(Self::VARIABLE).ok()?;
        let (address, log, room, step, at) = serde_json::from_str(&text).unwrap();
        Some(Self {
            address,
            log,
            room,
            step,
            at,
        })
    }

    fn write(&self) -> String {
        let orders = (&self.address, &self.log, self.room, &self.step, self.at);
        serde_json::to_string(&orders).unwrap()
    }

    fn die_at(&self, step: &str, row: i64) {
        if self.step == step && row >= self.at {
            std::process::abort();
        }
    }

    fn child(&self) -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args([
                "the_process_that_dies",
                "--exact",
                "--ignored",
                "--nocapture",
            ])
            .env(Self::VARIABLE, self.write())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the tests below, which kill it"]
async fn the_process_that_dies() {
    let Some(orders) = Orders::read() else { return };
    let orders = Arc::new(orders);
    let host = Host::open(&orders.address, "the process that dies").await;
    let told = orders.clone();
    let realtime = start(&host, &orders.log, move |row| told.die_at("published", row)).await;
    println!("writing");
    let next = Arc::new(AtomicI64::new(0));
    let writers = (0..3).map(|_| {
        let (host, realtime) = (host.clone(), realtime.clone());
        let (orders, next) = (orders.clone(), next.clone());
        tokio::spawn(async move {
            loop {
                let row = next.fetch_add(1, Ordering::Relaxed);
                if row >= ROWS {
                    return;
                }
                match &host {
                    Host::Sqlite(pool) => {
                        let mut tx = pool.begin_with("begin immediate").await.unwrap();
                        let insert = "insert into host_row (room, n) values ($1, $2)";
                        let insert = sqlx::query(insert).bind(orders.room).bind(row);
                        insert.execute(&mut *tx).await.unwrap();
                        if publish(&realtime, &mut tx, &orders, row).await {
                            tx.commit().await.unwrap();
                        }
                    }
                    Host::Postgres(pool) => {
                        let mut tx = pool.begin().await.unwrap();
                        let insert = "insert into host_row (room, n) values ($1, $2)";
                        let insert = sqlx::query(insert).bind(orders.room).bind(row);
                        insert.execute(&mut *tx).await.unwrap();
                        if publish(&realtime, &mut tx, &orders, row).await {
                            tx.commit().await.unwrap();
                        }
                    }
                }
                orders.die_at("committed", row);
                if orders.step == "marked" && row >= orders.at {
                    host.all_marked().await;
                    orders.die_at("marked", row);
                }
                let pause = Duration::from_micros(rand::random_range(0..3_000));
                tokio::time::sleep(pause).await;
            }
        })
    });
    futures::future::join_all(writers).await;
    tokio::time::sleep(Duration::from_secs(20)).await;
}

/// Publishes a row's event. One in five transactions is then rolled back.
async fn publish(
    realtime: &Realtime,
    tx: &mut impl HostTransaction,
    orders: &Orders,
    row: i64,
) -> bool {
    let room = Board(orders.room);
    realtime.publish_in(tx, room, &row).await.unwrap();
    orders.die_at("written", row);
    row % 5 != 3
}

/// What the deaths came to.
#[derive(Debug, Default)]
struct Tally {
    deaths: BTreeMap<&'static str, usize>,
    committed: usize,
    /// Events that the new process had to publish.
    left: usize,
    /// Of those, how many had been published before the death, and not marked.
    repeated: usize,
}

async fn deaths(address: &str, log: &Path) -> Tally {
    let count = std::env::var("OUTBOX_CRASHES").map_or(12, |count| count.parse().unwrap());
    let host = Host::open(address, "the test").await;
    host.run(
        "create table host_row (room bigint not null, n bigint not null, primary key (room, n))",
    )
    .await;
    let mut tally = Tally::default();
    for (room, step) in (1..=count).zip(STEPS.into_iter().cycle()) {
        let orders = Orders {
            address: address.to_owned(),
            log: log.to_owned(),
            room,
            step: step.to_owned(),
            at: rand::random_range(0..60),
        };
        let mut child = orders.child();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let begun = said.any(|line| line.is_ok_and(|line| line.contains("writing")));
        assert!(begun, "the process that dies must begin");
        if step == "anywhere" {
            tokio::time::sleep(Duration::from_micros(rand::random_range(0..400_000))).await;
            child.kill().unwrap();
        }
        let status = child.wait().unwrap();
        assert!(!status.success(), "{step} at {}: it must die", orders.at);
        *tally.deaths.entry(step).or_default() += 1;
        check(&host, log, room, &mut tally, step).await;
    }
    tally
}

/// A new process's view of the room, against the host's rows.
async fn check(host: &Host, log: &Path, room: i64, tally: &mut Tally, step: &str) {
    let published: Vec<String> = appended(log)
        .into_iter()
        .map(|(_, id, _)| id.to_string())
        .collect();
    let committed = "select n from host_row where room = $1 order by n";
    host.settled().await;
    let committed = host.numbers(committed, room).await;
    let mark = "select id from realtime_outbox where published is null and id > $1";
    let left = host.numbers(mark, 0).await.len();

    let realtime = start(host, log, |_| {}).await;
    host.all_marked().await;
    let page = || {
        let request = http::Request::new(()).into_parts().0;
        handshake(request, Some("Ada".to_owned()))
    };
    let view = realtime.first_view(page(), Board(room)).await.unwrap();
    let auth = Auth {
        token: Some("Ada".into()),
        ..Auth::default()
    };
    let mut ada = TestClient::connect(&realtime, auth);
    let beginning = Position {
        seq: 0,
        ..view.position
    };
    ada.join(Board(room), Some(beginning));
    ada.until("the events are here", |ada| {
        ada.view(Board(room)).is_some() && ada.events(Board(room)).len() >= committed.len()
    })
    .await;
    ada.run_for(Duration::from_millis(20)).await;
    let mut shown: Vec<i64> = ada
        .events(Board(room))
        .iter()
        .map(|text| text.parse().expect("no reset"))
        .collect();
    shown.sort_unstable();
    assert_eq!(shown, committed, "room {room}, died {step}");
    drop(ada);
    realtime.shutdown().await;

    let now: Vec<String> = appended(log)
        .into_iter()
        .map(|(_, id, _)| id.to_string())
        .collect();
    tally.committed += committed.len();
    tally.left += left;
    tally.repeated += left - (now.len() - published.len());
}

#[tokio::test]
async fn c13_on_sqlite_what_is_committed_is_shown_once_whenever_the_process_dies() {
    let folder = std::env::temp_dir().join(format!("rt-crash-{:08x}", rand::random::<u32>()));
    std::fs::create_dir_all(&folder).unwrap();
    let address = format!("sqlite:{}", folder.join("host.db").display());
    let tally = deaths(&address, &folder.join("log")).await;
    println!("SQLite: {tally:?}");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn c13_on_postgres_what_is_committed_is_shown_once_whenever_the_process_dies() {
    let server = Postgres::start().await;
    let log = std::env::temp_dir().join(format!("rt-crash-{:08x}", rand::random::<u32>()));
    let address = format!("postgres:{}", server.folder().display());
    let tally = deaths(&address, &log).await;
    println!("Postgres: {tally:?}");
    std::fs::remove_file(&log).unwrap();
}
