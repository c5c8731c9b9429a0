//! What every store does: one suite, run against each implementation.

#[cfg(any(feature = "sqlite", feature = "postgres"))]
use super::{Derived, OutboxStore};
use super::{PersonRecord, Store};
use crate::protocol::UserId;

/// People's part.
pub(crate) async fn people(store: &dyn Store) {
    let (ada, bob) = (UserId::from(1), UserId::from(2));
    store.ping().await.unwrap();
    assert_eq!(
        store.person(&ada).await.unwrap(),
        PersonRecord::default(),
        "of somebody without a record, the default is true"
    );

    store.set_invisible(&ada, true).await.unwrap();
    store.set_not_before(&ada, 50).await.unwrap();
    store.set_not_before(&ada, 40).await.unwrap();
    store.seen(&[]).await.unwrap();
    let batch = [(ada.clone(), 20), (bob.clone(), 30), (ada.clone(), 10)];
    store.seen(&batch).await.unwrap();
    store.seen(&[(bob.clone(), 29)]).await.unwrap();
    let record = PersonRecord {
        invisible: true,
        last_seen: Some(20),
        not_before: Some(50),
    };
    assert_eq!(
        store.person(&ada).await.unwrap(),
        record,
        "each is kept beside the others, and times only move forward"
    );
    let bob = store.person(&bob).await.unwrap();
    assert_eq!((bob.invisible, bob.last_seen), (false, Some(30)));

    store.set_invisible(&ada, false).await.unwrap();
    store.set_not_before(&ada, 60).await.unwrap();
    let record = PersonRecord {
        invisible: false,
        not_before: Some(60),
        ..record
    };
    assert_eq!(store.person(&ada).await.unwrap(), record);
}

/// A row to insert: room, event id, subject key and version, data.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) type Row = (
    &'static str,
    &'static str,
    Option<&'static str>,
    Option<i64>,
    &'static str,
);

/// The outbox's part. `insert` adds a row and returns its id.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) async fn outbox<F, Fut>(store: &dyn OutboxStore, insert: F)
where
    F: Fn(Row) -> Fut,
    Fut: Future<Output = i64>,
{
    use crate::protocol::{Subject, SubjectKey};
    let a = insert(("board:7", "a", None, None, "{\"x\": 1}")).await;
    let b = insert(("board:8", "b", Some("post:1"), Some(3), "2")).await;
    let bad_room = insert(("no room", "c", None, None, "3")).await;
    let bad_data = insert(("board:7", "d", None, None, "{")).await;
    let e = insert(("board:7", "e", None, None, "5")).await;

    let page = store.unpublished(0, 10).await.unwrap();
    let ids: Vec<i64> = page.rows.iter().map(|row| row.id).collect();
    assert_eq!(ids, [a, b, e], "in order");
    let unreadable: Vec<i64> = page.unreadable.iter().map(|row| row.id).collect();
    assert_eq!(unreadable, [bad_room, bad_data], "apart from the others");
    assert_eq!(page.more_after, None);
    let (first, second) = (&page.rows[0], &page.rows[1]);
    assert_eq!(
        (first.room.as_str(), first.event.id.as_str()),
        ("board:7", "a")
    );
    assert_eq!(first.event.data.get(), "{\"x\": 1}");
    assert_eq!(first.event.subject, None);
    let key = SubjectKey::try_from("post:1").unwrap();
    let subject = Some(Subject { key, version: 3 });
    assert_eq!(second.event.subject, subject);

    let page = store.unpublished(0, 2).await.unwrap();
    assert_eq!((page.rows.len(), page.more_after), (2, Some(b)));
    let page = store.unpublished(b, 2).await.unwrap();
    assert_eq!((page.rows.len(), page.more_after), (0, Some(bad_data)));

    store.mark(&[], &[], 100).await.unwrap();
    store
        .mark(&[a, bad_room, bad_data], &[], 100)
        .await
        .unwrap();
    let key = SubjectKey::try_from("post:2").unwrap();
    let derived = Derived {
        room: "board:8".to_owned(),
        id: "derived".to_owned(),
        subject: Some(Subject { key, version: 4 }),
        origin: "harbour".to_owned(),
        data: "{\"x\": 2}".to_owned(),
    };
    let plain = Derived {
        subject: None,
        ..derived.clone()
    };
    let other = (a, plain.clone());
    // `a` was marked before, with what was derived from it then.
    let derive = [(e, derived.clone()), other, (e, plain)];
    store.mark(&[a, e], &derive, 200).await.unwrap();
    let page = store.unpublished(0, 10).await.unwrap();
    let [first, relayed, plain] = &*page.rows else {
        panic!("what is derived waits behind: {page:?}")
    };
    assert_eq!(first.id, b);
    assert_eq!(first.event.origin, None);
    assert_eq!(relayed.event.origin.as_deref(), Some("harbour"));
    assert_eq!(relayed.event.subject, derived.subject);
    assert_eq!(relayed.event.data.get(), derived.data);
    assert_eq!(plain.event.subject, None);
    let ids = [relayed.id, plain.id];
    store.mark(&ids, &[], 300).await.unwrap();

    assert_eq!(store.sweep(100).await.unwrap(), 0);
    assert_eq!(
        store.sweep(101).await.unwrap(),
        3,
        "the first mark counts, and what is not marked stays"
    );
    assert_eq!(store.sweep(1_000).await.unwrap(), 3);
    assert_eq!(store.unpublished(0, 10).await.unwrap().rows.len(), 1);
    let f = insert(("board:7", "f", None, None, "6")).await;
    assert!(f > e, "an id is never used again");
}
