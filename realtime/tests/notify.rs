//! What people are told of what concerns them: once, if and only if it happened, on every page that they have open on
//! any instance, and nobody else. Each test runs on SQLite and on a real Postgres.
#![cfg(all(feature = "testing", feature = "sqlite", feature = "postgres"))]
#![allow(clippy::unwrap_used, reason = "tests")]

#[macro_use]
mod common;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use common::{
    between::Between,
    host::Host,
    inbox::{
        Told, as_page, auth,
        device::{Answer, Device, Question},
        host, id, person, request,
    },
};
use leptos_realtime::{
    ErrorCode, Mark, Notice, NotifyError, Realtime, RealtimeConfig, Room, ViewState,
    core::{
        inbox::{Inbox, Marked},
        session::Connection,
    },
    protocol::{Auth, InboxChange, InboxRoom},
    rooms,
    server::{HostTransaction, PublishError, broker::BrokerError},
    server_fns::{mark_notifications, my_inbox},
    testing::{Cluster, TestClient, around_broker, beside},
};
use sqlx::Transaction;

rooms! { Board(i64) => String }

on_every_database!(
    c9_what_one_is_told_and_reads_reaches_their_pages_on_every_instance,
    c13_what_is_told_in_a_transaction_is_told_if_and_only_if_it_commits,
    c13_what_a_dead_process_left_to_tell_two_others_tell_once,
    a_repeat_with_the_same_key_tells_nobody,
    c13_what_is_taken_back_leaves_every_page_if_and_only_if_the_transaction_commits,
    c10_an_inbox_is_open_to_its_person_alone,
    a_database_that_is_away_is_told_as_such_and_stops_nothing_else,
    a_clock_that_steps_back_takes_nothing_away,
    what_no_database_keeps_is_refused_and_holds_nobody_up,
);

fn told(number: u64, subject: Option<u8>) -> Told {
    Told {
        row: number,
        number,
        kind: 0,
        subject,
    }
}

async fn node<H: Host>(host_: &H) -> Realtime {
    let builder = host(RealtimeConfig::default()).database(host_.database().await);
    builder.start().await.unwrap()
}

/// Two instances that share the database, and meet in this process.
async fn two<H: Host>(host_: &H) -> (Realtime, Realtime) {
    let one = node(host_).await;
    let builder = host(RealtimeConfig::default()).database(host_.database().await);
    let two = beside(builder, &one).start().await.unwrap();
    (one, two)
}

/// A page of somebody's at an instance, that follows their inbox.
struct Page {
    client: TestClient,
    device: Device,
    node: Realtime,
}

impl Page {
    async fn open(node: &Realtime, name: &str) -> Self {
        let view = Device::load(node, name).await.unwrap();
        let mut client = TestClient::connect(node, auth(name));
        client.join(InboxRoom(id(name)), view.position);
        Self {
            client,
            device: Device::of(view),
            node: node.clone(),
        }
    }

    /// Lets the page run until it shows so many unread of so many notifications.
    async fn shows(&mut self, unread: u32, all: usize) {
        let what = format!("{unread} unread of {all}");
        self.until(&what, |inbox| {
            (inbox.unread(), inbox.list().len()) == (unread, all)
        })
        .await;
    }

    /// Lets the page run until it knows everything up to a change.
    async fn knows(&mut self, change: u64) {
        let what = format!("change {change}");
        self.until(&what, |inbox| inbox.change() == change).await;
    }

    async fn until(&mut self, what: &str, is_so: impl Fn(&Inbox) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            self.device.hear(&self.client);
            while let Some(question) = self.device.ask() {
                let name = self.device.name.clone();
                let answer = question.ask(&self.node, &name).await.unwrap();
                self.device.answered(answer);
            }
            let inbox = &self.device.inbox;
            if is_so(inbox) {
                return;
            }
            let client = &self.client;
            assert!(
                Instant::now() < deadline,
                "no {what}: {inbox:?}; {client:?}"
            );
            self.client.run_for(Duration::from_millis(5)).await;
        }
    }

    async fn mark(&mut self, what: Marked) {
        let question = self.device.mark(what, 1);
        let answer = question.ask(&self.node, &self.device.name).await.unwrap();
        self.device.answered(answer);
    }
}

/// Waits until a statement returns this number.
async fn until_number<H: Host>(host: &H, statement: &'static str, number: i64) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while host.number(statement).await != number {
        assert!(Instant::now() < deadline, "{statement} is never {number}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

const UNPUBLISHED: &str = "select count(*) from realtime_outbox where published is null";
const NOTIFICATIONS: &str = "select count(*) from realtime_notification";

async fn c9_what_one_is_told_and_reads_reaches_their_pages_on_every_instance<H: Host>()
where
    Transaction<'static, H::Db>: HostTransaction,
{
    let host = H::new().await;
    let (one, two) = two(&host).await;
    let mut here = Page::open(&one, "Ada").await;
    let mut there = Page::open(&two, "Ada").await;
    let mut bob = Page::open(&two, "Bob").await;
    let names = ["Ada", "Bob", "Ada"];
    let both = one.notify(names.map(id), &told(1, None)).await;
    assert_eq!(both.unwrap(), 2, "each once");
    let comment = told(2, Some(7));
    let by_bob = Notice::new(&comment).by(&person("Bob"));
    assert_eq!(two.notify(["Ada", "Bob"].map(id), by_bob).await.unwrap(), 1);
    for page in [&mut here, &mut there] {
        page.shows(2, 2).await;
        assert_eq!(page.device.inbox.list()[0].who(), "Bob");
    }
    bob.shows(1, 1).await;
    let first = here.device.inbox.list()[0].id;
    here.mark(Marked::These(vec![first], Mark::Read)).await;
    there.shows(1, 2).await;
    there
        .mark(Marked::AllRead(there.device.inbox.change()))
        .await;
    here.shows(0, 2).await;
    there.mark(Marked::These(vec![first], Mark::Archived)).await;
    here.shows(0, 1).await;
    bob.shows(1, 1).await;
    assert_eq!(here.device.inbox.list(), there.device.inbox.list());
    one.shutdown().await;
    two.shutdown().await;
}

async fn c13_what_is_told_in_a_transaction_is_told_if_and_only_if_it_commits<H: Host>()
where
    Transaction<'static, H::Db>: HostTransaction,
{
    let host = H::new().await;
    let (one, two) = two(&host).await;
    let mut ada = Page::open(&two, "Ada").await;
    let mut tx = host.begin().await;
    one.notify_in(&mut tx, [id("Ada")], &told(1, None))
        .await
        .unwrap();
    ada.client.run_for(Duration::from_millis(100)).await;
    ada.shows(0, 0).await;
    tx.commit().await.unwrap();
    ada.shows(1, 1).await;

    let mut tx = host.begin().await;
    one.notify_in(&mut tx, [id("Ada")], &told(2, None))
        .await
        .unwrap();
    tx.rollback().await.unwrap();
    let mut dropped = host.begin().await;
    one.notify_in(&mut dropped, [id("Ada")], &told(3, None))
        .await
        .unwrap();
    drop(dropped);
    let mut tx = host.begin().await;
    for number in 4..=30 {
        let people = ["Ada", "Bob"].map(id);
        let subject = (number % 2 == 0).then_some(7);
        two.notify_in(&mut tx, people, &told(number, subject))
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    // Thirteen stand alone, fourteen about the same are one.
    ada.knows(28).await;
    ada.shows(15, 15).await;
    until_number(&host, UNPUBLISHED, 0).await;
    let list = ada.device.inbox.list();
    let of: Vec<_> = list.iter().filter(|one| one.count == 14).collect();
    assert_eq!(of.len(), 1);
    one.shutdown().await;
    two.shutdown().await;
}

async fn c13_what_a_dead_process_left_to_tell_two_others_tell_once<H: Host>()
where
    Transaction<'static, H::Db>: HostTransaction,
{
    let host = H::new().await;
    let first = node(&host).await;
    let mut tx = host.begin().await;
    for number in 1..=20 {
        let people = ["Ada", "Bob", "Cyd"].map(id);
        first
            .notify_in(&mut tx, people, &told(number, Some(7)))
            .await
            .unwrap();
    }
    first.shutdown().await;
    tx.commit().await.unwrap();
    assert_eq!(
        host.number(NOTIFICATIONS).await,
        0,
        "nobody was there to tell"
    );
    // Both find everything at once.
    let (one, two) = tokio::join!(node(&host), node(&host));
    until_number(&host, UNPUBLISHED, 0).await;
    for name in ["Ada", "Bob", "Cyd"] {
        let page = Device::load(&one, name).await.unwrap().page;
        assert_eq!((page.unread, page.change), (1, 20), "{name}");
        assert_eq!(page.notifications[0].count, 20, "{name}");
    }
    let told_ = "select count(*) from realtime_outbox where room like 'inbox:%'";
    assert_eq!(host.number(told_).await, 60);
    one.shutdown().await;
    two.shutdown().await;
}

async fn c13_what_is_taken_back_leaves_every_page_if_and_only_if_the_transaction_commits<H: Host>()
where
    Transaction<'static, H::Db>: HostTransaction,
{
    let host = H::new().await;
    let (one, two) = two(&host).await;
    let mut ada = Page::open(&two, "Ada").await;
    let (first, second, third) = (told(1, None), told(2, Some(7)), told(3, Some(7)));
    let notices = [(&first, "a"), (&second, "b"), (&third, "c")];
    for (told, key) in notices {
        let people = ["Ada", "Bob"].map(id);
        one.notify(people, Notice::new(told).key(key))
            .await
            .unwrap();
    }
    ada.knows(3).await;
    ada.shows(2, 2).await;

    let mut tx = host.begin().await;
    one.withdraw_in(&mut tx, ["a"]).await.unwrap();
    tx.rollback().await.unwrap();
    let mut tx = host.begin().await;
    one.withdraw_in(&mut tx, ["c"]).await.unwrap();
    ada.client.run_for(Duration::from_millis(100)).await;
    assert_eq!(ada.device.inbox.list()[0].count, 2, "not yet");
    tx.commit().await.unwrap();
    ada.until("the last of two is taken back", |inbox| {
        inbox.list()[0].count == 1
    })
    .await;
    let says = ada.device.inbox.list()[0].read_as::<Told>().unwrap();
    assert_eq!(says.data, second, "what is left");
    ada.shows(2, 2).await;

    let mut tx = host.begin().await;
    one.withdraw_in(&mut tx, ["a", "b"]).await.unwrap();
    tx.commit().await.unwrap();
    ada.shows(0, 0).await;
    // What is told and taken back before anybody looked is told to nobody.
    let mut tx = host.begin().await;
    let notice = Notice::new(&first).key("d");
    two.notify_in(&mut tx, [id("Ada")], notice).await.unwrap();
    two.withdraw_in(&mut tx, ["d"]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(one.withdraw(["d"]).await.unwrap(), 0);
    until_number(&host, UNPUBLISHED, 0).await;
    ada.shows(0, 0).await;
    let page = Device::load(&one, "Bob").await.unwrap().page;
    assert_eq!((page.unread, page.notifications.len()), (0, 0));
    let long = one.withdraw(["x".repeat(129)]).await;
    assert!(
        matches!(long, Err(NotifyError::Name { what: "key", .. })),
        "{long:?}"
    );
    one.shutdown().await;
    two.shutdown().await;
}

async fn a_repeat_with_the_same_key_tells_nobody<H: Host>()
where
    Transaction<'static, H::Db>: HostTransaction,
{
    let host = H::new().await;
    let (one, two) = two(&host).await;
    let mut ada = Page::open(&one, "Ada").await;
    let mention = told(1, Some(7));
    let notice = || Notice::new(&mention).key("mention:1");
    assert_eq!(one.notify([id("Ada")], notice()).await.unwrap(), 1);
    ada.shows(1, 1).await;
    let repeats = futures::future::join_all((0..8).map(|turn| {
        let node = if turn % 2 == 0 { &one } else { &two };
        node.notify(["Ada", "Bob"].map(id), notice())
    }));
    let repeats: Vec<u64> = repeats.await.into_iter().map(Result::unwrap).collect();
    assert_eq!(repeats.iter().sum::<u64>(), 1, "Bob, once: {repeats:?}");
    let mut tx = host.begin().await;
    two.notify_in(&mut tx, [id("Ada")], notice()).await.unwrap();
    tx.commit().await.unwrap();
    until_number(&host, UNPUBLISHED, 0).await;
    ada.client.run_for(Duration::from_millis(200)).await;
    ada.shows(1, 1).await;
    assert_eq!(ada.device.inbox.change(), 1);
    one.shutdown().await;
    two.shutdown().await;
}

/// Also where the host's `authorize` allows everything, as it does here.
async fn c10_an_inbox_is_open_to_its_person_alone<H: Host>()
where
    Transaction<'static, H::Db>: HostTransaction,
{
    let host = H::new().await;
    let (one, two) = two(&host).await;
    let mut ada = Page::open(&one, "Ada").await;
    let hers = InboxRoom(id("Ada"));
    let refused = |client: &TestClient| {
        let view = client.view(InboxRoom(id("Ada")));
        view.is_some_and(|view| matches!(&view.state, ViewState::Refused(error) if error.code == ErrorCode::Forbidden))
    };
    let mut bob = TestClient::connect(&two, auth("Bob"));
    let mut guest = TestClient::connect(&one, Auth::default());
    for client in [&mut bob, &mut guest] {
        client.join(hers.clone(), None);
        client.until("it is refused", refused).await;
    }
    one.notify([id("Ada")], &told(4_711, None)).await.unwrap();
    ada.shows(1, 1).await;
    for client in [&mut bob, &mut guest] {
        client.run_for(Duration::from_millis(300)).await;
        assert!(client.events(hers.clone()).is_empty());
        assert!(!client.received().iter().any(|text| text.contains("4711")));
    }
    assert!(
        ada.client.names(hers.clone()).is_empty(),
        "nobody is seen there"
    );

    let change = InboxChange::default();
    let reserved = |result: Result<(), PublishError>| {
        assert!(
            matches!(result, Err(PublishError::Reserved(_))),
            "{result:?}"
        );
    };
    reserved(one.publish(hers.clone(), &change).await.map(drop));
    let mut tx = host.begin().await;
    reserved(
        one.publish_in(&mut tx, hers.clone(), &change)
            .await
            .map(drop),
    );
    drop(tx);
    // Neither what it is signalled, nor a name that is nearly hers.
    for name in ["inbox:Ada:x", "inbox:_41da", "inbox:ada", "inbox:Ad"] {
        assert_ne!(
            InboxRoom::from_room_id(&name.parse().unwrap()),
            Some(hers.clone())
        );
    }
    one.shutdown().await;
    two.shutdown().await;
}

async fn a_database_that_is_away_is_told_as_such_and_stops_nothing_else<H: Host>()
where
    Transaction<'static, H::Db>: HostTransaction,
{
    let mut host_ = H::new().await;
    let blocked = Arc::new(AtomicBool::new(false));
    let is_blocked = blocked.clone();
    let builder = host(RealtimeConfig::default()).database(host_.impatient().await);
    let node = around_broker(builder, |inner| {
        Arc::new(Between {
            inner,
            link: None,
            before: Box::new(move |room, _| {
                if room.kind() == "inbox" && is_blocked.load(Ordering::Relaxed) {
                    return Err(BrokerError::Unavailable("not now".into()));
                }
                Ok(Duration::ZERO)
            }),
        })
    });
    let node = node.start().await.unwrap();
    let mut ada = Page::open(&node, "Ada").await;
    let mut bob = TestClient::connect(&node, auth("Bob"));
    // Whether a sign-in still holds is in the database: who comes while it is away has to wait.
    bob.until("Bob is connected", |bob| {
        *bob.connection() == Connection::Live
    })
    .await;
    node.notify([id("Ada")], &told(1, None)).await.unwrap();
    ada.shows(1, 1).await;
    // This is in the outbox when the database goes.
    blocked.store(true, Ordering::Relaxed);
    node.notify([id("Ada")], &told(2, None)).await.unwrap();
    host_.stop().await;

    let first = ada.device.inbox.list()[0].id.0;
    let page = request(Some("Ada"));
    let marked = as_page(
        &node,
        page,
        mark_notifications(vec![first], Mark::Read, None),
    )
    .await;
    let error = marked.unwrap_err();
    assert_eq!(error.code, ErrorCode::Unavailable);
    assert!(error.message.contains("right now: try again"), "{error}");
    let error = node.notify([id("Ada")], &told(3, None)).await;
    assert!(matches!(error, Err(NotifyError::Database(_))), "{error:?}");
    assert!(
        as_page(&node, request(None), my_inbox())
            .await
            .unwrap()
            .is_none()
    );
    // People go on coming, posting and seeing each other.
    bob.join(Board(8), None);
    ada.client.join(Board(8), None);
    bob.until("Bob is there", |bob| !bob.names(Board(8)).is_empty())
        .await;
    ada.client
        .until("Ada sees him", |ada| ada.names(Board(8)) == ["Ada", "Bob"])
        .await;
    node.publish(Board(8), &"hello".to_owned()).await.unwrap();
    for client in [&mut ada.client, &mut bob] {
        client
            .until("it is heard", |client| {
                client.events(Board(8)) == ["\"hello\""]
            })
            .await;
    }

    blocked.store(false, Ordering::Relaxed);
    host_.go_on().await;
    ada.shows(2, 2).await;
    until_number(&host_, UNPUBLISHED, 0).await;
    let told_late = node.notify([id("Ada")], &told(4, None)).await.unwrap();
    assert_eq!(told_late, 1);
    ada.mark(Marked::These(
        vec![leptos_realtime::NotificationId(first)],
        Mark::Read,
    ))
    .await;
    ada.shows(2, 3).await;
    node.shutdown().await;
}

async fn a_clock_that_steps_back_takes_nothing_away<H: Host>()
where
    Transaction<'static, H::Db>: HostTransaction,
{
    const HOUR: i64 = 3_600_000;
    let host_ = H::new().await;
    let database = host_.database().await;
    let build = move || host(RealtimeConfig::default()).database(database.clone());
    let cluster = Cluster::start(1, 1, build).await;
    let node = cluster.node(0);
    let mut ada = Page::open(node, "Ada").await;
    node.notify([id("Ada")], &told(1, Some(7))).await.unwrap();
    ada.shows(1, 1).await;
    let first = ada.device.inbox.list()[0].clone();
    cluster.move_clock(-HOUR);
    node.notify([id("Ada")], &told(2, Some(7))).await.unwrap();
    let mut tx = host_.begin().await;
    node.notify_in(&mut tx, [id("Ada")], &told(3, None))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    ada.shows(2, 2).await;
    until_number(&host_, UNPUBLISHED, 0).await;
    let list = ada.device.inbox.list();
    assert_eq!((list[0].id, list[0].count), (first.id, 2));
    assert!(list[0].updated >= first.updated, "it does not move down");
    assert!(list[1].created < first.created);
    ada.mark(Marked::AllRead(ada.device.inbox.change())).await;
    ada.shows(0, 2).await;
    node.notify([id("Ada")], &told(4, Some(7))).await.unwrap();
    ada.shows(1, 3).await;
    cluster.move_clock(HOUR);
    node.notify([id("Ada")], &told(5, Some(7))).await.unwrap();
    ada.knows(6).await;
    let stored = Device::load(node, "Ada").await.unwrap().page;
    assert_eq!(stored.notifications, ada.device.inbox.list());
    assert_eq!(
        (stored.unread, stored.change),
        (ada.device.inbox.unread(), 6)
    );
    cluster.shutdown().await;
}

/// A zero byte is a letter for Rust, and none for Postgres.
async fn what_no_database_keeps_is_refused_and_holds_nobody_up<H: Host>()
where
    Transaction<'static, H::Db>: HostTransaction,
{
    let host = H::new().await;
    let node = node(&host).await;
    let mut ada = Page::open(&node, "Ada").await;
    let mut tx = host.begin().await;
    let notice = told(1, None);
    for refused in [
        Notice::new(&notice).key("a\0b"),
        Notice::new(&notice).origin("\0"),
        Notice::new(&notice).key("a".repeat(129)),
    ] {
        let error = node.notify_in(&mut tx, [id("Ada")], refused).await;
        assert!(matches!(error, Err(NotifyError::Name { .. })), "{error:?}");
    }
    let strange = leptos_realtime::User::new(id("Bob"), "B\0b");
    let by_bob = Notice::new(&notice).by(&strange);
    node.notify_in(&mut tx, [id("Ada")], by_bob).await.unwrap();
    node.notify_in(&mut tx, [id("Ada")], &told(2, None))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    ada.shows(2, 2).await;
    let list = ada.device.inbox.list();
    assert!(list.iter().any(|one| one.who() == "Bb"), "{list:?}");
    let unknown = Question::Mark(
        ada.device.inbox.mark(Marked::AllRead(0), 1),
        Marked::These(
            vec![leptos_realtime::NotificationId(i64::MIN)],
            Mark::Archived,
        ),
    );
    let answer = unknown.ask(&node, "Ada").await.unwrap();
    let Answer::Marked(_, Some(change)) = &answer else {
        panic!("{answer:?}");
    };
    assert_eq!((change.change, change.unread), (2, 2));
    node.shutdown().await;
}
