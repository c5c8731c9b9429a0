//! What an inbox does, on either database.

use std::collections::BTreeSet;

use super::*;
use crate::{protocol::PreferenceChange, server::store::Database};

async fn sqlite() -> (InboxStore, Database) {
    let pool = sqlx::SqlitePool::connect("sqlite::memory:").await.unwrap();
    open(pool.into()).await
}

async fn open(database: Database) -> (InboxStore, Database) {
    database.open().await.unwrap();
    (database.inbox("me".to_owned()), database)
}

fn new(kind: &str, subject: Option<&str>) -> NewNotification {
    NewNotification {
        kind: kind.to_owned(),
        subject: subject.map(str::to_owned),
        community: Some("harbour".to_owned()),
        origin: None,
        data: RawValue::from_string(r#"{"post":7}"#.to_owned()).unwrap(),
        actor: None,
        key: None,
        nameless: false,
    }
}

fn people(ids: impl IntoIterator<Item = i64>) -> Vec<UserId> {
    ids.into_iter().map(UserId::from).collect()
}

async fn notify(store: &InboxStore, users: &[UserId], new: &NewNotification, now: u64) -> u64 {
    store.notify(users, new, now, |_| {}).await.unwrap()
}

async fn whole(store: &InboxStore, user: &UserId) -> InboxPage {
    let filter = InboxFilter::default();
    store.page(user, &filter, None, 100).await.unwrap()
}

async fn mark(store: &InboxStore, user: &UserId, which: Which, now: u64) -> InboxChange {
    store.mark(user, &which, now).await.unwrap().0
}

fn these(notifications: &[WireNotification], mark: Mark) -> Which {
    Which::These(notifications.iter().map(|one| one.id).collect(), mark)
}

/// Everything that every database does.
async fn suite(store: &InboxStore) {
    grouping(store).await;
    repeats(store).await;
    marks(store).await;
    others(store).await;
    pages(store).await;
    preferences(store).await;
    much(store).await;
    crowds(store).await;
    tidying(store).await;
    withdrawing(store).await;
}

/// What was deleted is in nobody's inbox any more, and what others did about the same is.
async fn withdrawing(store: &InboxStore) {
    let (ada, bob) = (UserId::from(800), UserId::from(801));
    let both = [ada.clone(), bob.clone()];
    let withdraw = async |keys: &[&str], now| {
        let keys: Vec<_> = keys.iter().map(|key| (*key).to_owned()).collect();
        let mut rows = 0;
        let written = |written: Written| rows += written.rows.len();
        let people = store.withdraw(&keys, now, written).await.unwrap();
        assert_eq!(rows as u64, people, "whoever is concerned is told");
        people
    };
    let said = |subject, key: &str, text: &str, actor: (i64, &str)| NewNotification {
        data: RawValue::from_string(json(text)).unwrap(),
        key: Some(key.to_owned()),
        actor: Some(User::new(actor.0, actor.1)),
        origin: Some(format!("from {text}")),
        ..new("comment", subject)
    };
    // One that stands alone goes whole, also where it was read, also out of what was put away.
    notify(
        store,
        &both,
        &said(None, "alone", "a secret", (1, "Eve")),
        10,
    )
    .await;
    let page = whole(store, &bob).await;
    mark(store, &bob, these(&page.notifications, Mark::Archived), 11).await;
    assert_eq!(withdraw(&["alone", "never told"], 12).await, 2);
    assert_eq!(withdraw(&["alone"], 13).await, 0, "once");
    for user in &both {
        let filter = InboxFilter {
            archived: true,
            ..InboxFilter::default()
        };
        let page = whole(store, user).await;
        assert_eq!((page.notifications.len(), page.unread), (0, 0));
        let page = store.page(user, &filter, None, 100).await.unwrap();
        assert_eq!(page.notifications, []);
        // Whoever was away sees that it is gone, and nothing of what it was.
        let missed = store.changes(user, 0).await.unwrap();
        let [one] = &*missed.notifications.unwrap() else {
            panic!("a mark of it stays");
        };
        assert!(one.withdrawn && one.data.is_null() && one.actors.is_empty());
        let ids = std::slice::from_ref(one);
        mark(store, user, these(ids, Mark::Unarchived), 14).await;
        assert_eq!(whole(store, user).await.notifications, [], "for good");
    }
    assert_eq!(
        notify(
            store,
            &people([802]),
            &said(None, "alone", "a secret", (1, "Eve")),
            15
        )
        .await,
        0,
        "nobody is told any more"
    );
    assert_eq!(
        notify(
            store,
            &people([802]),
            &said(None, "never told", "x", (1, "Eve")),
            15
        )
        .await,
        0,
        "also who comes after"
    );

    // Of several about the same, the others stay.
    let post = Some("post:800");
    for (number, (key, text, actor)) in (20..).zip([
        ("k1", "first", (1, "Eve")),
        ("k2", "second", (2, "Dan")),
        ("k3", "third", (1, "Eve")),
    ]) {
        notify(store, &both, &said(post, key, text, actor), number).await;
    }
    let standing = async |user: &UserId| {
        let page = whole(store, user).await;
        let of = |one: &WireNotification| {
            let names: Vec<_> = one.actors.iter().map(|actor| actor.name.clone()).collect();
            (
                one.data.as_str().unwrap().to_owned(),
                one.origin.clone().unwrap(),
                (one.count, one.updated),
                names.join(", "),
            )
        };
        (
            page.notifications.iter().map(of).collect::<Vec<_>>(),
            page.unread,
        )
    };
    let says = |text: &str, count: (u32, u64), names: &str| {
        let one = (
            text.to_owned(),
            format!("from {text}"),
            count,
            names.to_owned(),
        );
        (vec![one], 1)
    };
    assert_eq!(standing(&ada).await, says("third", (3, 22), "Eve, Dan"));
    assert_eq!(withdraw(&["k3"], 30).await, 2);
    assert_eq!(standing(&ada).await, says("second", (2, 21), "Eve, Dan"));
    assert_eq!(withdraw(&["k1"], 31).await, 2);
    assert_eq!(standing(&bob).await, says("second", (1, 21), "Dan"));
    // It still takes more.
    notify(store, &both, &said(post, "k4", "fourth", (3, "Flo")), 40).await;
    assert_eq!(standing(&bob).await, says("fourth", (2, 40), "Flo, Dan"));
    assert_eq!(withdraw(&["k2", "k4"], 41).await, 2);
    assert_eq!(standing(&ada).await, (Vec::new(), 0));
    // What is new about the same begins anew.
    notify(store, &both, &said(post, "k5", "fifth", (3, "Flo")), 50).await;
    assert_eq!(standing(&ada).await, says("fifth", (1, 50), "Flo"));
    // What joined without a key stays counted, for as long as there is something to say.
    notify(store, &both, &said(post, "k6", "sixth", (1, "Eve")), 51).await;
    let mut nameless = said(post, "nobody knows it", "seventh", (2, "Dan"));
    nameless.nameless = true;
    notify(store, &both, &nameless, 52).await;
    assert_eq!(withdraw(&["nobody knows it"], 53).await, 0);
    assert_eq!(withdraw(&["k6"], 54).await, 2);
    assert_eq!(standing(&ada).await, says("fifth", (2, 50), "Dan, Flo"));
    assert_eq!(withdraw(&["k5"], 55).await, 2);
    assert_eq!(standing(&ada).await, (Vec::new(), 0), "nothing left to say");
    // For as long as it is kept, in the archive too, it can be taken back.
    notify(store, &both, &said(None, "old", "long ago", (1, "Eve")), 56).await;
    while store.tidy(1_000_000, 1_000_000, |_| {}).await.unwrap() {
        if withdraw(&["old"], 57).await == 2 {
            break;
        }
    }
    assert_eq!(withdraw(&["old"], 58).await, 0);
    // More people than fit into one transaction.
    let crowd: Vec<_> = people(10_000..10_000 + PEOPLE_AT_ONCE as i64 + 3);
    notify(
        store,
        &crowd,
        &said(None, "crowd", "to all", (1, "Eve")),
        60,
    )
    .await;
    assert_eq!(withdraw(&["crowd"], 61).await, crowd.len() as u64);
}

/// Many who did the same: the last of them are remembered, and each touch costs no more than that.
async fn crowds(store: &InboxStore) {
    let ada = UserId::from(650);
    let mut vote = new("vote", Some("post:9"));
    for voter in 0..i64::from(MAX_REMEMBERED) + 20 {
        vote.actor = Some(User::new(10_000 + voter, format!("Voter {voter}")));
        notify(
            store,
            std::slice::from_ref(&ada),
            &vote,
            1_000 + voter as u64,
        )
        .await;
    }
    let page = whole(store, &ada).await;
    let one = &page.notifications[0];
    assert_eq!(
        (one.count, one.actor_count),
        (MAX_REMEMBERED + 20, MAX_REMEMBERED)
    );
    assert_eq!(one.actors[0].name, format!("Voter {}", MAX_REMEMBERED + 19));
}

async fn grouping(store: &InboxStore) {
    let ada = UserId::from(1);
    let mut comment = new("comment", Some("post:7"));
    for (number, name) in (10..).zip(["Bob", "Cyd", "Bob", "Dan", "Eve"]) {
        comment.actor = Some(User::new(i64::from(name.as_bytes()[0]), name));
        assert_eq!(
            notify(store, std::slice::from_ref(&ada), &comment, number).await,
            1
        );
    }
    let page = whole(store, &ada).await;
    let [one] = &*page.notifications else {
        panic!("one row evolves: {page:?}");
    };
    assert_eq!((page.change, page.unread, one.change), (5, 1, 5));
    assert_eq!((one.count, one.actor_count), (5, 4));
    assert_eq!((one.created, one.updated), (10, 14));
    let names: Vec<_> = one.actors.iter().map(|actor| &*actor.name).collect();
    assert_eq!(names, ["Eve", "Dan", "Bob"], "the latest first");
    assert_eq!(one.data, serde_json::json!({"post": 7}));
    assert_eq!(one.community.as_deref(), Some("harbour"));

    mark(store, &ada, these(&page.notifications, Mark::Read), 20).await;
    // A clock went back.
    notify(store, std::slice::from_ref(&ada), &comment, 9).await;
    notify(
        store,
        std::slice::from_ref(&ada),
        &new("vote", Some("post:7")),
        30,
    )
    .await;
    notify(store, std::slice::from_ref(&ada), &new("vote", None), 31).await;
    notify(store, std::slice::from_ref(&ada), &new("vote", None), 32).await;
    let page = whole(store, &ada).await;
    let counts: Vec<_> = page
        .notifications
        .iter()
        .map(|one| (one.count, one.updated))
        .collect();
    assert_eq!(counts, [(1, 32), (1, 31), (1, 30), (5, 14), (1, 9)]);
    assert_eq!(page.unread, 4, "what was read takes no more");
    let read = &page.notifications[3..4];
    mark(store, &ada, these(read, Mark::Unread), 40).await;
    notify(store, std::slice::from_ref(&ada), &comment, 41).await;
    let page = whole(store, &ada).await;
    assert_eq!((page.unread, page.notifications[0].count), (5, 2));
    assert_eq!(
        page.notifications[0].updated, 41,
        "what was read takes no more, read or not"
    );
}

async fn repeats(store: &InboxStore) {
    let users = people(100..=102);
    let mut keyed = new("mention", None);
    keyed.key = Some("post:7".to_owned());
    assert_eq!(notify(store, &users[..2], &keyed, 1).await, 2);
    assert_eq!(
        notify(store, &users, &keyed, 2).await,
        1,
        "only who was not told"
    );
    for user in &users {
        let page = whole(store, user).await;
        assert_eq!((page.change, page.notifications.len()), (1, 1));
    }
    let twice = people([103, 103]);
    assert_eq!(notify(store, &twice, &new("mention", None), 3).await, 1);
    let mut own = new("mention", None);
    own.actor = Some(User::new(104, "Ada"));
    assert_eq!(
        notify(store, &people([104, 105]), &own, 3).await,
        1,
        "not who did it"
    );
    assert_eq!(whole(store, &UserId::from(104)).await, InboxPage::default());
    assert_eq!(notify(store, &[], &keyed, 3).await, 0);
}

async fn marks(store: &InboxStore) {
    let user = UserId::from(200);
    for now in 1..=3 {
        notify(store, std::slice::from_ref(&user), &new("vote", None), now).await;
    }
    let first = whole(store, &user).await.notifications;
    let seen = mark(store, &user, these(&first[..2], Mark::Seen), 10).await;
    assert_eq!((seen.change, seen.steps, seen.unread), (4, 1, 3));
    assert_eq!(seen.notifications.unwrap().len(), 2);
    let again = mark(store, &user, these(&first[..2], Mark::Seen), 11).await;
    assert_eq!(again.change, 4, "what changes nothing has no number");
    assert_eq!(again.notifications.as_deref(), Some(&[][..]));
    let read = mark(store, &user, these(&first[..1], Mark::Read), 12).await;
    let one = &read.notifications.unwrap()[0];
    assert_eq!((read.unread, one.read, one.seen), (2, Some(12), Some(10)));
    let away = mark(store, &user, these(&first[1..2], Mark::Archived), 13).await;
    assert_eq!((away.change, away.unread), (6, 1));
    assert_eq!(whole(store, &user).await.notifications.len(), 2);
    let filter = InboxFilter {
        archived: true,
        ..InboxFilter::default()
    };
    let archive = store.page(&user, &filter, None, 10).await.unwrap();
    assert_eq!(archive.notifications[0].id, first[1].id);
    let back = mark(store, &user, these(&first[1..2], Mark::Unarchived), 14).await;
    assert_eq!((back.change, back.unread), (7, 2));

    notify(store, std::slice::from_ref(&user), &new("vote", None), 15).await;
    let all = mark(store, &user, Which::AllRead(7), 16).await;
    assert_eq!(
        (all.change, all.unread),
        (9, 1),
        "what came later stays unread"
    );
    assert_eq!(all.read_up_to, Some((7, 16)));
    let left = whole(store, &user).await.notifications;
    assert_eq!(left.iter().filter(|one| one.is_unread()).count(), 1);
    let since = store.changes(&user, 7).await.unwrap();
    assert_eq!((since.change, since.steps, since.unread), (9, 2, 1));
    assert_eq!(since.notifications.unwrap().len(), 3);
}

async fn others(store: &InboxStore) {
    let (ada, bob) = (UserId::from(300), UserId::from(301));
    notify(store, std::slice::from_ref(&ada), &new("vote", None), 1).await;
    let hers = whole(store, &ada).await.notifications;
    let his = mark(store, &bob, these(&hers, Mark::Read), 2).await;
    assert_eq!((his.change, his.unread), (0, 0));
    assert_eq!(his.notifications.as_deref(), Some(&[][..]));
    assert_eq!(
        whole(store, &ada).await.unread,
        1,
        "another's is not touched"
    );
    let unknown = Which::These(
        vec![NotificationId(-1), NotificationId(i64::MAX)],
        Mark::Archived,
    );
    assert_eq!(mark(store, &ada, unknown, 2).await.change, 1);
    mark(store, &bob, Which::AllRead(u64::MAX), 3).await;
    assert_eq!(whole(store, &ada).await.unread, 1);
}

async fn pages(store: &InboxStore) {
    let user = UserId::from(400);
    for number in 0..25 {
        let kind = if number % 2 == 0 { "vote" } else { "mention" };
        // Some at the same time.
        notify(
            store,
            std::slice::from_ref(&user),
            &new(kind, None),
            number / 3,
        )
        .await;
    }
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let filter = InboxFilter::default();
        let page = store.page(&user, &filter, before, 10).await.unwrap();
        assert!(page.notifications.len() <= 10);
        seen.extend(page.notifications.iter().map(Notification::place));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 25);
    assert!(seen.is_sorted_by(|a, b| a > b), "newest first, each once");
    let filter = InboxFilter {
        kind: Some("mention".to_owned()),
        unread: true,
        community: Some("harbour".to_owned()),
        ..InboxFilter::default()
    };
    let page = store.page(&user, &filter, None, 12).await.unwrap();
    assert_eq!((page.notifications.len(), page.next), (12, None));
    let filter = InboxFilter {
        community: Some("elsewhere".to_owned()),
        ..filter
    };
    let page = store.page(&user, &filter, None, 12).await.unwrap();
    assert!(page.notifications.is_empty());
}

async fn preferences(store: &InboxStore) {
    let users = people(500..510);
    let named = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let say =
        |user: i64, kind: &str, community: &str, enabled: Option<bool>, muted: Option<u64>| {
            let (user, kind, community) = (UserId::from(user), named(kind), named(community));
            async move {
                let enabled = PreferenceChange::Enabled(enabled);
                for change in [enabled, PreferenceChange::MutedUntil(muted)] {
                    let said = store.prefer(&user, kind.as_deref(), community.as_deref(), change);
                    assert!(said.await.unwrap());
                }
            }
        };
    say(500, "vote", "", Some(false), None).await;
    say(501, "", "harbour", Some(false), None).await;
    say(502, "", "", Some(false), None).await;
    say(503, "", "", Some(false), None).await;
    say(503, "vote", "harbour", Some(true), None).await;
    say(504, "", "harbour", None, Some(100)).await;
    say(505, "mention", "", Some(false), None).await;
    say(506, "", "elsewhere", None, Some(100)).await;
    say(507, "vote", "", Some(false), None).await;
    say(507, "vote", "", None, None).await;
    let told = |users: Vec<UserId>, now| async move {
        notify(store, &users, &new("vote", None), now).await;
        let mut told = BTreeSet::new();
        for user in users {
            let page = whole(store, &user).await;
            let said = store.preferences(&user).await.unwrap();
            let now_here = page.notifications.iter().any(|one| one.updated == now);
            assert_eq!(now_here, said.wants("vote", Some("harbour"), now), "{user}");
            if now_here {
                told.insert(user.as_str().to_owned());
            }
        }
        told.into_iter().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(told(users.clone(), 99).await, "503 505 506 507 508 509");
    assert_eq!(told(users, 100).await, "503 504 505 506 507 508 509");
    assert!(
        store
            .preferences(&UserId::from(507))
            .await
            .unwrap()
            .0
            .is_empty()
    );
    // A mute leaves what is on or off, and the other way round.
    let user = UserId::from(520);
    let said = async |change| {
        let room = store.prefer(&user, Some("vote"), None, change).await;
        assert!(room.unwrap());
        let said = store.preferences(&user).await.unwrap();
        let one = said.said(Some("vote"), None);
        (one.enabled, one.muted_until, said.0.len())
    };
    use PreferenceChange::{Enabled, MutedUntil};
    assert_eq!(said(Enabled(Some(false))).await, (Some(false), None, 1));
    assert_eq!(said(MutedUntil(Some(9))).await, (Some(false), Some(9), 1));
    assert_eq!(said(Enabled(None)).await, (None, Some(9), 1));
    assert_eq!(said(MutedUntil(None)).await, (None, None, 0));
}

/// Many people at once, and more than travels with a change.
async fn much(store: &InboxStore) {
    let users = people(10_000..11_200);
    let mut rows = Vec::new();
    let many = new("vote", Some("post:1"));
    let told = store
        .notify(&users, &many, 1, |written| rows.extend(written.rows))
        .await
        .unwrap();
    assert_eq!((told, rows.len()), (1_200, 1_200));
    assert_eq!(whole(store, &users[1_199]).await.unread, 1);

    let user = UserId::from(600);
    for now in 0..230 {
        notify(store, std::slice::from_ref(&user), &new("vote", None), now).await;
    }
    let since = store.changes(&user, 30).await.unwrap();
    assert_eq!(
        (since.steps, since.notifications.unwrap().len()),
        (200, 200)
    );
    let since = store.changes(&user, 29).await.unwrap();
    assert_eq!(
        (since.change, since.unread, since.notifications),
        (230, 230, None)
    );
    let filter = InboxFilter::default();
    let page = store.page(&user, &filter, None, 30).await.unwrap();
    let change = mark(store, &user, these(&page.notifications, Mark::Read), 300).await;
    assert_eq!((change.unread, change.notifications), (200, None));
}

async fn tidying(store: &InboxStore) {
    let user = UserId::from(700);
    for now in [1_000, 2_000_000] {
        notify(store, std::slice::from_ref(&user), &new("vote", None), now).await;
    }
    let mut written = 0;
    while store
        .tidy(1_000_000, 2_000_000, |rows| written += rows.rows.len())
        .await
        .unwrap()
    {}
    assert!(written > 0, "clients are told");
    let page = whole(store, &user).await;
    assert_eq!(
        (page.change, page.unread, page.notifications.len()),
        (3, 1, 1)
    );
    let since = store
        .changes(&user, 2)
        .await
        .unwrap()
        .notifications
        .unwrap();
    assert_eq!(
        since[0].archived,
        Some(2_000_000),
        "put away, with a number"
    );
    let back = these(&since, Mark::Unarchived);
    mark(store, &user, back, 2_000_000).await;
    while store.tidy(1_500_000, 2_100_000, |_| {}).await.unwrap() {}
    let page = whole(store, &user).await;
    assert_eq!(
        (page.change, page.notifications.len()),
        (4, 2),
        "what was put back stays for as long as what is new"
    );
    mark(store, &user, these(&since, Mark::Archived), 2_000_000).await;
    while store.tidy(2_000_001, 3_000_000, |_| {}).await.unwrap() {}
    let since = store.changes(&user, 0).await.unwrap();
    let left: Vec<_> = since
        .notifications
        .unwrap()
        .iter()
        .map(|one| one.updated)
        .collect();
    assert_eq!(left, [2_000_000], "what was put away long ago is deleted");
}

#[tokio::test]
async fn an_inbox_in_sqlite_does_what_every_inbox_does() {
    let (store, _database) = sqlite().await;
    suite(&store).await;
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn an_inbox_in_postgres_does_what_every_inbox_does() {
    let server = crate::server::store::postgres::cluster::Postgres::start().await;
    let (store, _database) = open(server.pool().await.into()).await;
    suite(&store).await;
}

/// Two batches of many people at once, in other orders, do not wait for each other for ever, and number everything.
#[cfg(feature = "postgres")]
#[tokio::test]
async fn batches_at_once_cannot_deadlock_and_leave_no_gap() {
    let server = crate::server::store::postgres::cluster::Postgres::start().await;
    let (store, _database) = open(server.pool().await.into()).await;
    let store = &store;
    let batches = (0..12).map(|batch: i64| async move {
        let mut users = people(0..400);
        if batch % 2 == 1 {
            users.reverse();
        }
        let mut new = new("vote", Some("post:1"));
        new.key = Some(format!("{}", batch % 6));
        notify(store, &users, &new, 1).await
    });
    let told: u64 = futures::future::join_all(batches).await.into_iter().sum();
    assert_eq!(told, 6 * 400, "each key once");
    for user in people([0, 199, 399]) {
        let page = whole(store, &user).await;
        assert_eq!((page.change, page.notifications[0].count), (6, 6));
    }
}
