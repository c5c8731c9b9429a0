//! The statements that SQLite and Postgres both understand, with the same results. What each says in its own way stands
//! with it.

/// $1 user → invisible, last_seen, not_before.
pub(super) const PERSON: &str =
    "select invisible, last_seen, not_before from realtime_person where user_id = $1";

/// $1 user, $2 invisible, 0 or 1.
pub(super) const SET_INVISIBLE: &str = "
    insert into realtime_person (user_id, invisible) values ($1, $2)
    on conflict (user_id) do update set invisible = excluded.invisible";

/// $1 user, $2 time. Only ever raised: two that come at once leave the later.
pub(super) const SET_NOT_BEFORE: &str = "
    insert into realtime_person (user_id, not_before) values ($1, $2)
    on conflict (user_id) do update set not_before = excluded.not_before
    where realtime_person.not_before is null or realtime_person.not_before < excluded.not_before";

/// $1 room, $2 event id, $3 subject key, $4 subject version, $5 data, $6 now → id.
#[cfg(any(feature = "sqlite", test))]
pub(crate) const INSERT_EVENT: &str = "
    insert into realtime_outbox (room, event_id, subject_key, subject_version, data, created)
    values ($1, $2, $3, $4, $5, $6)
    returning id";

/// $1 the id before, $2 how many → id, room, event id, subject key, subject version, data, origin, created.
///
/// The worker begins at zero each time: transactions do not commit in the order of their ids, so a row can appear below
/// one that was published already.
pub(super) const UNPUBLISHED: &str = "
    select id, room, event_id, subject_key, subject_version, data, origin, created
    from realtime_outbox
    where published is null and id > $1
    order by id
    limit $2";

/// How rows that are derived from others are added: $1 the rows as JSON lists, $2 now. What takes the list apart stands
/// in the middle.
macro_rules! derive_from {
    ($lists:literal) => {
        concat!(
            "insert into realtime_outbox (room, event_id, subject_key, subject_version, origin, data, created)
            select d.value ->> 0, d.value ->> 1, d.value ->> 2, cast(d.value ->> 3 as bigint), d.value ->> 4, d.value ->> 5, $2
            from ",
            $lists,
            " as d"
        )
    };
}
pub(super) use derive_from;

/// $1 time, $2 how many at most. In parts, so that nobody who writes meanwhile waits for long.
pub(super) const SWEEP: &str = "
    delete from realtime_outbox
    where id in (select id from realtime_outbox where published < $1 limit $2)";

/// The second parameter of [`SWEEP`].
pub(super) const SWEEP_LIMIT: i64 = 5_000;

/// Whether the tables are there.
pub(super) const PING: &str =
    "select count(*) from (select 1 from realtime_outbox limit 1) as ping";
