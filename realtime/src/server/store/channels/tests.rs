//! What channels do, on either database.

use serde_json::value::RawValue;

use super::*;
use crate::{
    protocol::{Mark, User},
    server::store::{Database, InboxStore, NewNotification, Which},
};

/// A message that tells all there is.
const ALL: u64 = u64::MAX;

/// A database with what is kept there.
struct Kept {
    channels: ChannelStore,
    inboxes: InboxStore,
}

impl Kept {
    async fn open(database: Database) -> Self {
        database.open().await.unwrap();
        Self {
            channels: database.channels(),
            inboxes: database.inbox("me".to_owned()).delivering(100),
        }
    }

    async fn notify(&self, user: i64, subject: Option<&str>, now: u64) {
        self.told(user, subject, None, now).await;
    }

    async fn told(&self, user: i64, subject: Option<&str>, key: Option<&str>, now: u64) {
        let new = NewNotification {
            kind: "vote".to_owned(),
            subject: subject.map(str::to_owned),
            community: None,
            origin: None,
            data: RawValue::from_string("7".to_owned()).unwrap(),
            actor: None,
            key: key.map(str::to_owned),
            nameless: false,
        };
        let users = [user.into()];
        let told = self.inboxes.notify(&users, &new, now, |_| {}).await;
        assert_eq!(told.unwrap(), 1);
    }

    async fn link(&self, user: i64, channel: &str, address: &str) {
        let user = user.into();
        let linked = self.channels.link(&user, channel, address, 1);
        linked.await.unwrap();
    }

    async fn claim(&self, claim: &str, now: u64) -> Vec<Delivery> {
        let channels = ["chat", "mail"];
        self.channels
            .claim(claim, &channels, 100, now)
            .await
            .unwrap()
    }

    /// Claims what belongs to one person.
    async fn one(&self, claim: &str, user: i64, now: u64) -> Option<Delivery> {
        let mut claimed = self.claim(claim, now).await;
        claimed.retain(|one| one.user == user.into());
        assert!(claimed.len() <= 1, "{claimed:?}");
        claimed.pop()
    }
}

async fn suite(kept: &Kept) {
    links(kept).await;
    codes(kept).await;
    claims(kept).await;
    groups(kept).await;
    order(kept).await;
    clocks(kept).await;
    gone(kept).await;
    joining(kept).await;
    withdrawing(kept).await;
    sweeps(kept).await;
}

/// Of what others joined, nothing is sent a second time because one of them was taken back.
async fn withdrawing(kept: &Kept) {
    kept.link(990, "chat", "990").await;
    let told = async |key: &str, now| {
        kept.told(990, Some("post:990"), Some(key), now).await;
    };
    let withdraw = async |key: &str, now| {
        let keys = [key.to_owned()];
        let people = kept.inboxes.withdraw(&keys, now, |_| {}).await;
        assert_eq!(people.unwrap(), 1);
    };
    told("first", 10).await;
    let sent = kept.one("w1", 990, 200).await.unwrap();
    kept.channels.sent(&sent, ALL, 0, 200).await.unwrap();
    told("second", 300).await;
    withdraw("second", 310).await;
    assert!(
        kept.one("w2", 990, 1_000).await.is_none(),
        "what is left was sent"
    );
    told("third", 1_100).await;
    told("fourth", 1_150).await;
    withdraw("third", 1_160).await;
    let waits = kept.one("w3", 990, 2_000).await;
    assert!(waits.is_some(), "what is left was not");
    kept.channels
        .sent(&waits.unwrap(), ALL, 0, 2_000)
        .await
        .unwrap();
}

async fn links(kept: &Kept) {
    let (ada, bob) = (UserId::from(1), UserId::from(2));
    kept.link(1, "chat", "11").await;
    kept.link(1, "mail", "ada@example").await;
    let owner = kept.channels.owner("chat", "11").await.unwrap();
    assert_eq!(owner, Some(ada.clone()));
    assert_eq!(kept.channels.owner("mail", "11").await.unwrap(), None);
    kept.link(1, "chat", "12").await;
    assert_eq!(kept.channels.owner("chat", "11").await.unwrap(), None);
    let linked = kept.channels.linked(&ada).await.unwrap();
    let names: Vec<_> = linked.iter().map(|one| &*one.channel).collect();
    assert_eq!(names, ["chat", "mail"]);

    kept.notify(1, None, 10).await;
    kept.link(2, "chat", "12").await;
    let owner = kept.channels.owner("chat", "12").await.unwrap();
    assert_eq!(owner, Some(bob.clone()), "an address is one person's");
    let hers = kept.channels.linked(&ada).await.unwrap();
    assert!(hers[0].problem.as_ref().unwrap().contains("another"));
    let claimed = kept.claim("links", 1_000).await;
    let [mail] = &*claimed else {
        panic!("what waits for a channel goes with it: {claimed:?}");
    };
    assert_eq!(
        (&*mail.channel, &*mail.address, mail.attempts),
        ("mail", "ada@example", 0)
    );
    assert!(kept.channels.unlink(&ada, "mail", 2_000).await.unwrap());
    assert!(!kept.channels.unlink(&ada, "mail", 2_000).await.unwrap());
    assert!(
        !kept.channels.renew(mail, 2_000).await.unwrap(),
        "also what was about to be sent"
    );
    assert!(kept.channels.unlink(&bob, "chat", 2_000).await.unwrap());
    assert!(kept.claim("links", 100_000).await.is_empty());
}

async fn codes(kept: &Kept) {
    let (ada, bob) = (User::new(101, "Ada"), User::new(102, "Bob"));
    let redeem = |code: &'static str, address: &'static str, now| async move {
        let redeemed = kept.channels.redeem("chat", code, address, now);
        redeemed.await.unwrap()
    };
    kept.channels.code(&ada, "chat", "old", 100).await.unwrap();
    kept.channels.code(&ada, "chat", "new", 100).await.unwrap();
    kept.channels.code(&bob, "chat", "bob", 100).await.unwrap();
    assert_eq!(redeem("old", "c1", 10).await, Redeemed::Unknown);
    assert_eq!(
        redeem("bob", "c1", 100).await,
        Redeemed::Unknown,
        "too late"
    );
    let elsewhere = kept.channels.redeem("mail", "new", "c1", 10).await;
    assert_eq!(elsewhere.unwrap(), Redeemed::Unknown);
    assert_eq!(redeem("new", "c1", 99).await, Redeemed::Linked(ada.clone()));
    assert_eq!(
        redeem("new", "c1", 99).await,
        Redeemed::Before(ada.id.clone()),
        "the answer was lost, and it is asked again"
    );
    assert_eq!(redeem("new", "c2", 99).await, Redeemed::Unknown, "once");
    assert_eq!(redeem("", "c2", 99).await, Redeemed::Unknown);
    for user in [ada, bob] {
        kept.channels.unlink(&user.id, "chat", 100).await.unwrap();
    }
}

async fn claims(kept: &Kept) {
    kept.link(200, "chat", "200").await;
    kept.notify(200, None, 1_000).await;
    assert_eq!(
        kept.one("a", 200, 1_099).await,
        None,
        "not before it is due"
    );
    let none = kept.channels.claim("a", &["mail"], 9, 1_100).await;
    assert!(none.unwrap().is_empty(), "another channel");
    let first = kept.one("a", 200, 1_100).await.unwrap();
    assert_eq!(kept.one("b", 200, 1_100).await, None, "nobody else");
    assert_eq!(kept.one("b", 200, 1_100 + CLAIM - 1).await, None);
    let second = kept.one("b", 200, 1_100 + CLAIM).await.unwrap();
    let now = 1_200 + CLAIM;
    assert!(!kept.channels.renew(&first, now).await.unwrap());
    kept.channels
        .finish(&first, "read", ALL, now)
        .await
        .unwrap();
    kept.channels.later(&first, 0, now).await.unwrap();
    assert_eq!(
        kept.one("c", 200, now).await,
        None,
        "who lost the claim changes nothing"
    );
    assert!(kept.channels.renew(&second, now).await.unwrap());
    assert_eq!(kept.one("c", 200, now + CLAIM - 1).await, None, "renewed");
    kept.channels.later(&second, now + 500, now).await.unwrap();
    assert_eq!(kept.one("c", 200, now + 499).await, None);
    let third = kept.one("c", 200, now + 500).await.unwrap();
    assert_eq!((third.id, third.attempts), (first.id, 1));
    kept.channels.sent(&first, ALL, 0, now + 501).await.unwrap();
    assert!(
        !kept.channels.renew(&third, now + 502).await.unwrap(),
        "that it was sent counts, whoever says it"
    );

    kept.notify(200, None, 50_000).await;
    kept.notify(200, None, 50_000).await;
    let fourth = kept.one("d", 200, 60_000).await.unwrap();
    kept.channels
        .sent(&fourth, ALL, 61_000, 60_000)
        .await
        .unwrap();
    assert_eq!(kept.one("d", 200, 60_999).await, None, "a rest");
    let fifth = kept.one("d", 200, 61_000).await.unwrap();
    kept.channels
        .finish(&fifth, "read", ALL, 61_000)
        .await
        .unwrap();
    assert_eq!(kept.one("d", 200, 200_000).await, None);
}

async fn groups(kept: &Kept) {
    kept.link(300, "chat", "300").await;
    kept.link(300, "mail", "300").await;
    for now in 1_000..1_010 {
        kept.notify(300, Some("post:1"), now).await;
    }
    let claimed = kept.claim("a", 2_000).await;
    assert_eq!(claimed.len(), 2, "one for each channel");
    let one = kept.inboxes.one(claimed[0].notification).await.unwrap();
    assert_eq!(one.unwrap().count, 10, "what it has come to");
    kept.notify(300, Some("post:1"), 2_000).await;
    for delivery in &claimed {
        kept.channels.sent(delivery, ALL, 0, 2_001).await.unwrap();
    }
    assert!(kept.claim("b", 3_000).await.is_empty());
    kept.notify(300, Some("post:1"), 3_000).await;
    let again = kept.claim("c", 4_000).await;
    assert_eq!(again.len(), 2, "what comes after it was sent is sent again");
    assert_eq!(again[0].notification, claimed[0].notification);
    let marked = Which::These(vec![again[0].notification], Mark::Read);
    let ada = UserId::from(300);
    kept.inboxes.mark(&ada, &marked, 4_000).await.unwrap();
    let one = kept.inboxes.one(again[0].notification).await.unwrap();
    assert!(!one.unwrap().is_unread());
    assert_eq!(kept.inboxes.one(NotificationId(-1)).await.unwrap(), None);
    for channel in ["mail", "chat"] {
        kept.channels.unlink(&ada, channel, 4_000).await.unwrap();
    }
}

/// What joins a group after a message about it was worded has a message of its own.
async fn joining(kept: &Kept) {
    let ada = UserId::from(350);
    kept.link(350, "chat", "350").await;
    kept.notify(350, Some("post:2"), 1_000).await;
    let sent = kept.one("a", 350, 2_000).await.unwrap();
    let told = async |delivery: &Delivery| {
        let one = kept.inboxes.one(delivery.notification).await.unwrap();
        let one = one.unwrap();
        (one.change, one.count)
    };
    let (before, count) = told(&sent).await;
    assert_eq!(count, 1);
    kept.notify(350, Some("post:2"), 2_001).await;
    kept.channels.sent(&sent, before, 0, 2_002).await.unwrap();
    let rest = kept.one("b", 350, 2_002).await;
    let rest = rest.expect("what joined while it was sent");
    assert_eq!((rest.notification, rest.attempts), (sent.notification, 0));
    let (all, count) = told(&rest).await;
    assert_eq!(count, 2);
    kept.notify(350, Some("post:2"), 2_003).await;
    kept.channels
        .finish(&rest, "read", all, 2_004)
        .await
        .unwrap();
    let last = kept.one("c", 350, 2_004).await;
    let last = last.expect("what joined while it was found to have been read");
    let seen = Which::These(vec![last.notification], Mark::Seen);
    let (all, _) = told(&last).await;
    kept.inboxes.mark(&ada, &seen, 2_005).await.unwrap();
    kept.channels.sent(&last, all, 0, 2_006).await.unwrap();
    assert_eq!(kept.one("d", 350, 100_000).await, None, "a mark is no news");
    kept.channels.unlink(&ada, "chat", 100_000).await.unwrap();
}

async fn order(kept: &Kept) {
    for user in [400, 401] {
        kept.link(user, "chat", &user.to_string()).await;
        for now in 0..4 {
            kept.notify(user, None, now).await;
        }
    }
    let mut seen = Vec::new();
    for round in 0..8 {
        let now = 1_000 + round * 10_000;
        let claimed = kept.claim("a", now).await;
        for delivery in claimed {
            if round % 2 == 0 && delivery.user == 400.into() {
                kept.channels
                    .later(&delivery, now + 500, now)
                    .await
                    .unwrap();
            } else {
                kept.channels.sent(&delivery, ALL, 0, now).await.unwrap();
                seen.push((delivery.user.as_str().to_owned(), delivery.id));
            }
        }
    }
    assert_eq!(seen.len(), 8);
    for user in ["400", "401"] {
        let ids = seen.iter().filter(|one| one.0 == user).map(|one| one.1);
        assert!(ids.is_sorted(), "one after the other: {seen:?}");
    }
    assert!(
        seen[..3].iter().all(|one| one.0 == "401") || seen[0].0 == "401",
        "who must wait holds nobody else up: {seen:?}"
    );
}

async fn clocks(kept: &Kept) {
    const DAY: u64 = 24 * 3_600_000;
    kept.link(500, "chat", "500").await;
    kept.notify(500, None, 2 * DAY).await;
    let first = kept.one("a", 500, DAY).await;
    let first = first.expect("written before a clock went back");
    assert_eq!(kept.one("b", 500, DAY).await, None, "claimed since");
    kept.channels
        .later(&first, DAY + 3_600_000, DAY)
        .await
        .unwrap();
    assert_eq!(
        kept.one("c", 500, DAY - 9_000).await,
        None,
        "clocks may differ a little"
    );
    let second = kept.one("c", 500, DAY / 2).await.unwrap();
    assert_eq!(first.id, second.id);
    kept.channels
        .sent(&second, ALL, DAY, DAY / 2)
        .await
        .unwrap();
    kept.notify(500, None, DAY / 2).await;
    let next = kept.one("d", 500, DAY / 2 + 100).await;
    let next = next.expect("no rest is as long as that");
    kept.channels.sent(&next, ALL, 0, DAY).await.unwrap();
}

async fn gone(kept: &Kept) {
    let ada = UserId::from(600);
    kept.link(600, "chat", "600").await;
    for now in 0..3 {
        kept.notify(600, None, now).await;
    }
    let delivery = kept.one("a", 600, 1_000).await.unwrap();
    let why = "ü".repeat(400);
    let gone = |address: &'static str, why: String| {
        let ada = ada.clone();
        async move {
            let gone = kept.channels.gone(&ada, "chat", address, &why, 1_000);
            gone.await.unwrap()
        }
    };
    assert!(!gone("601", why.clone()).await, "she moved on");
    assert!(gone("600", why.clone()).await);
    assert!(!gone("600", why).await);
    let linked = &kept.channels.linked(&ada).await.unwrap()[0];
    let problem = linked.problem.as_ref().unwrap();
    assert!(problem.starts_with('ü') && problem.len() <= 301);
    assert!(!kept.channels.renew(&delivery, 1_000).await.unwrap());
    kept.notify(600, None, 2_000).await;
    assert_eq!(kept.one("b", 600, 100_000).await, None, "nothing waits");
    kept.link(600, "chat", "600").await;
    assert_eq!(kept.channels.linked(&ada).await.unwrap()[0].problem, None);
    kept.notify(600, None, 100_000).await;
    let delivery = kept.one("c", 600, 101_000).await.unwrap();
    kept.channels
        .sent(&delivery, ALL, 0, 101_000)
        .await
        .unwrap();
}

async fn sweeps(kept: &Kept) {
    let far = 1 << 40;
    kept.link(700, "chat", "700").await;
    kept.notify(700, None, far).await;
    kept.channels
        .code(&User::new(700, "Ada"), "chat", "late", far)
        .await
        .unwrap();
    while kept.channels.sweep(far, far, far).await.unwrap() {}
    let claimed = kept.claim("a", far + 100).await;
    assert_eq!(claimed.len(), 1, "what is due is not old");
    while kept.channels.sweep(far, far + 101, far + 1).await.unwrap() {}
    assert!(!kept.channels.renew(&claimed[0], far).await.unwrap());
    kept.notify(700, None, far).await;
    let mut tx = kept.channels.sql.write().await.unwrap();
    let unlinked = "delete from realtime_channel where user_id = '700'";
    tx.run(unlinked, &[]).await.unwrap();
    tx.commit().await.unwrap();
    assert!(
        kept.channels.sweep(0, 0, far + 101).await.unwrap(),
        "written in the moment in which the channel was unlinked"
    );
    kept.link(700, "chat", "700").await;
    assert!(kept.claim("b", far + 200).await.is_empty());
    let late = kept.channels.redeem("chat", "late", "7", 0).await;
    assert_eq!(late.unwrap(), Redeemed::Unknown);
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn channels_in_sqlite_do_what_all_channels_do() {
    let pool = sqlx::SqlitePool::connect("sqlite::memory:").await.unwrap();
    suite(&Kept::open(pool.into()).await).await;
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn channels_in_postgres_do_what_all_channels_do() {
    let server = crate::server::store::postgres::cluster::Postgres::start().await;
    suite(&Kept::open(server.pool().await.into()).await).await;
}

/// Two instances that look at the same moment, again and again: each delivery is claimed once.
#[cfg(feature = "postgres")]
#[tokio::test]
async fn two_who_claim_at_once_share_nothing() {
    let server = crate::server::store::postgres::cluster::Postgres::start().await;
    let kept = &Kept::open(server.pool().await.into()).await;
    for user in 0..40 {
        kept.link(user, "chat", &user.to_string()).await;
        for now in 0..3 {
            kept.notify(user, None, now).await;
        }
    }
    let worker = |name: String| async move {
        let mut sent = Vec::new();
        for round in 0..200 {
            let claim = format!("{name}{round}");
            let claimed = kept.channels.claim(&claim, &["chat"], 5, 1_000).await;
            for delivery in claimed.unwrap() {
                assert!(kept.channels.renew(&delivery, 1_000).await.unwrap());
                sent.push(delivery.id);
                kept.channels.sent(&delivery, ALL, 0, 1_000).await.unwrap();
            }
        }
        sent
    };
    let workers = (0..4).map(|name| worker(format!("w{name}-")));
    let mut sent = futures::future::join_all(workers).await.concat();
    sent.sort_unstable();
    let before = sent.len();
    sent.dedup();
    assert_eq!((before, sent.len()), (120, 120));
}

/// Who marks as sent and who unlinks at the same time take the same things in the same order: neither fails.
#[cfg(feature = "postgres")]
#[tokio::test]
async fn marking_and_unlinking_do_not_wait_for_each_other_in_turn() {
    let server = crate::server::store::postgres::cluster::Postgres::start().await;
    let kept = &Kept::open(server.pool().await.into()).await;
    for round in 0..100 {
        let now = round * 1_000;
        kept.link(1, "chat", "1").await;
        kept.notify(1, None, now).await;
        let delivery = kept.one("a", 1, now + 500).await.unwrap();
        let ada = UserId::from(1);
        let sent = kept.channels.sent(&delivery, ALL, now + 900, now + 500);
        let unlinked = kept.channels.unlink(&ada, "chat", now + 500);
        let (sent, unlinked) = futures::future::join(sent, unlinked).await;
        sent.unwrap();
        assert!(unlinked.unwrap());
    }
}
