//! The inbox' statements. SQLite and Postgres differ in how a list is taken apart that is one parameter, and in nothing
//! else. A list is JSON: its length does not change the statement.

/// See the [module](self).
pub(super) struct Statements {
    /// $1 users, $2 kind, $3 community or '', $4 now → those who want to be told, in order. As `Preferences::wants`.
    pub(super) wanted: &'static str,
    /// $1 key, $2 now → when it was taken back, if it was. Keeps others from taking it back until the transaction ends.
    pub(super) hold: &'static str,
    /// $1 users, $2 key, $3 now → those who have not been told.
    pub(super) keys: &'static str,
    /// $1 users, $2 key, $3 actor. What their last changes touched is known by the key from now on.
    pub(super) know: &'static str,
    /// $1 users. Raises their numbers, in order, so that two who do it cannot wait for each other; until the transaction
    /// ends nobody else changes these inboxes.
    pub(super) number: &'static str,
    /// $1 users, $2 kind, $3 subject, $4 community, $5 origin, $6 data, $7 now. Adds to what is open, or begins anew.
    pub(super) notify: &'static str,
    /// $1 users, $2 actor, $3 their name, $4 now.
    pub(super) actor: &'static str,
    /// $1 users, $2 how many. Of what their last changes touched, who did it longer ago than so many others.
    pub(super) forget_actors: &'static str,
    /// $1 users → id, user, change, … of what their last changes touched: see [`COLUMNS`].
    pub(super) touched: &'static str,
    /// $1 users → user, number of their last change, how many are unread.
    pub(super) standing: &'static str,
    /// $1 user, $2 number → what was touched after it.
    pub(super) changes: &'static str,
    /// $1 notifications, $2 how many of each → notification, user, name, how many there are.
    pub(super) actors: &'static str,
    /// $1 user, $2 only unread, $3 kind, $4 community, $5 and $6 the place before, $7 how many → the list.
    pub(super) list: &'static str,
    /// The same of what was put away.
    pub(super) archive: &'static str,
    /// $1 user, $2 notifications, $3 change, $4 now.
    pub(super) read: &'static str,
    /// $1 user, $2 notifications, $3 change.
    pub(super) unread: &'static str,
    /// As `read`.
    pub(super) seen: &'static str,
    /// As `read`.
    pub(super) archived: &'static str,
    /// As `read`. It stays in the list for as long as what is new.
    pub(super) unarchived: &'static str,
    /// $1 user, $2 number up to which, $3 change, $4 now.
    pub(super) read_all: &'static str,
    /// $1 rooms, event ids and data, $2 now → outbox rows.
    pub(super) wake: &'static str,
    /// $1 users, $2 now, $3 due. What was touched is to be sent to those who can be told elsewhere.
    pub(super) deliver: &'static str,
    /// $1 keys, $2 now. Nobody is told with them any more; until the transaction ends nobody is being told.
    pub(super) withdraw: &'static str,
    /// $1 keys, $2 how many → people who were told with one of them, in order.
    pub(super) told: &'static str,
    /// $1 users, $2 keys → those of them who still were, in order.
    pub(super) still_told: &'static str,
    /// $1 users, $2 keys. With their last change.
    pub(super) withdraw_theirs: &'static str,
    /// $1 users, $2 keys. Of what was taken back with their last changes, who did nothing else that is left.
    pub(super) withdraw_actors: &'static str,
    /// $1 users, $2 keys. Says what is left of it, where something is.
    pub(super) withdraw_some: &'static str,
    /// $1 users, $2 keys, $3 now. The rest, of which nothing is left.
    pub(super) withdraw_all: &'static str,
    /// $1 users, $2 keys, $3 now. Of what is left, nothing is sent that was sent before the rest came.
    pub(super) withdraw_deliveries: &'static str,
    /// $1 notification → it.
    pub(super) one: &'static str,
    /// $1 user → kind, community, enabled, muted until.
    pub(super) preferences: &'static str,
    /// $1 user, $2 kind or '', $3 community or '', $4 enabled.
    pub(super) prefer: &'static str,
    /// $1 user, $2 kind or '', $3 community or '', $4 muted until.
    pub(super) mute: &'static str,
    /// $1 user, $2 kind or '', $3 community or ''. Where nothing is said any more, nothing stays.
    pub(super) prefer_nothing: &'static str,
    /// $1 user → how many preferences there are.
    pub(super) count_preferences: &'static str,
    /// $1 time, $2 how many → people with something in the list that is older.
    pub(super) old: &'static str,
    /// $1 users. Keeps others out until the transaction ends.
    pub(super) lock: &'static str,
    /// $1 users, $2 time → those of them with something in the list that is older, in order.
    pub(super) still_old: &'static str,
    /// $1 users, $2 time, $3 now. Puts away what is older.
    pub(super) put_away: &'static str,
    /// $1 time, $2 how many → ids. Deletes what was put away before.
    pub(super) delete: &'static str,
    /// $1 notifications. Deletes who did it.
    pub(super) delete_actors: &'static str,
    /// $1 time, $2 how many. Deletes keys that were taken before, of what is not kept any more.
    pub(super) delete_keys: &'static str,
}

/// What is read of a notification.
macro_rules! columns {
    () => {
        "n.id, n.user_id, n.kind, n.community, n.origin, n.data, n.count, n.created, n.updated, n.seen, n.read, \
         n.archived, n.change, n.withdrawn"
    };
}

/// The list's conditions.
macro_rules! listed {
    () => {
        " and ($2 = 0 or n.read is null) \
          and ($3 is null or n.kind = $3) \
          and ($4 is null or n.community = $4) \
          and (n.updated, n.id) < ($5, $6) \
          order by n.updated desc, n.id desc limit $7"
    };
}

/// What was taken back with the last changes of these people ($1), of these keys.
macro_rules! withdrawn {
    ($columns:literal, $users:literal, $keys:literal) => {
        concat!(
            "select ",
            $columns,
            " from realtime_inbox i \
             join realtime_notification_key k on k.user_id = i.user_id and k.withdrawn = i.change \
             where i.user_id in (select p.user_id from ",
            $users,
            " as p) and k.key in ",
            $keys
        )
    };
}

/// Whether something is left of a notification that others joined.
macro_rules! is_left {
    () => {
        "exists (select 1 from realtime_notification_key k \
         where k.notification = realtime_notification.id and k.data is not null)"
    };
}

/// The statements, from how a list of texts ($1 or $2), of numbers ($1 or $2), and of lists ($1) is taken apart, and how
/// rows are kept from others.
macro_rules! statements {
    ($users:literal, $keys:literal, $first:literal, $second:literal, $lists:literal, $lock:literal) => {
        Statements {
            wanted: concat!("
                select p.user_id from ", $users, " as p
                where not exists (
                    select 1 from realtime_preference m
                    where m.user_id = p.user_id and m.kind in ('', $2) and m.community in ('', $3) and m.muted_until > $4
                ) and coalesce((
                    select e.enabled from realtime_preference e
                    where e.user_id = p.user_id and e.kind in ('', $2) and e.community in ('', $3) and e.enabled is not null
                    order by e.community desc, e.kind desc
                    limit 1
                ), 1) = 1
                order by p.user_id"),
            hold: "
                insert into realtime_notification_key (user_id, key, created) values ('', $1, $2)
                on conflict (user_id, key) do update set created = realtime_notification_key.created
                returning withdrawn",
            keys: concat!("
                insert into realtime_notification_key (user_id, key, created)
                select p.user_id, $2, $3 from ", $users, " as p
                where true
                order by p.user_id
                on conflict (user_id, key) do nothing
                returning user_id"),
            know: concat!("
                update realtime_notification_key
                set notification = n.id, actor = $3,
                    data = case when n.open = 1 then n.data end, community = n.community, origin = n.origin
                from realtime_inbox i
                join realtime_notification n on n.user_id = i.user_id and n.change = i.change
                where realtime_notification_key.user_id = i.user_id and realtime_notification_key.key = $2
                    and i.user_id in (select p.user_id from ", $users, " as p)"),
            number: concat!("
                insert into realtime_inbox (user_id, change)
                select p.user_id, 1 from ", $users, " as p
                where true
                order by p.user_id
                on conflict (user_id) do update set change = realtime_inbox.change + 1"),
            notify: concat!("
                insert into realtime_notification
                    (user_id, kind, subject, community, origin, data, count, created, updated, change, open)
                select i.user_id, $2, $3, $4, $5, $6, 1, $7, $7, i.change, case when $3 is null then null else 1 end
                from realtime_inbox i
                where i.user_id in (select p.user_id from ", $users, " as p)
                order by i.user_id
                on conflict (user_id, kind, subject) where open = 1 do update set
                    community = excluded.community,
                    origin = excluded.origin,
                    data = excluded.data,
                    count = realtime_notification.count + 1,
                    -- A clock may have gone back.
                    updated = case when excluded.updated > realtime_notification.updated
                        then excluded.updated else realtime_notification.updated end,
                    seen = null,
                    kept = null,
                    change = excluded.change"),
            actor: concat!("
                insert into realtime_notification_actor (notification, user_id, name, at)
                select n.id, $2, $3, $4
                from realtime_inbox i
                join realtime_notification n on n.user_id = i.user_id and n.change = i.change
                where i.user_id in (select p.user_id from ", $users, " as p)
                on conflict (notification, user_id) do update set name = excluded.name, at = excluded.at"),
            forget_actors: concat!("
                delete from realtime_notification_actor
                where (notification, user_id) in (
                    select placed.notification, placed.user_id from (
                        select a.notification, a.user_id,
                            row_number() over (partition by a.notification order by a.at desc, a.user_id) as place
                        from realtime_inbox i
                        join realtime_notification n on n.user_id = i.user_id and n.change = i.change
                        join realtime_notification_actor a on a.notification = n.id
                        where i.user_id in (select p.user_id from ", $users, " as p)
                    ) as placed
                    where placed.place > $2
                )"),
            touched: concat!("
                select ", columns!(), "
                from realtime_inbox i
                join realtime_notification n on n.user_id = i.user_id and n.change = i.change
                where i.user_id in (select p.user_id from ", $users, " as p)"),
            standing: concat!("
                select i.user_id, i.change, (
                    select count(*) from realtime_notification n
                    where n.user_id = i.user_id and n.read is null and n.archived is null
                )
                from realtime_inbox i
                where i.user_id in (select p.user_id from ", $users, " as p)"),
            changes: concat!("
                select ", columns!(), "
                from realtime_notification n
                where n.user_id = $1 and n.change > $2
                order by n.change
                limit $3"),
            actors: concat!("
                select notification, user_id, name, number from (
                    select a.notification, a.user_id, a.name,
                        count(*) over (partition by a.notification) as number,
                        row_number() over (partition by a.notification order by a.at desc, a.user_id) as place
                    from realtime_notification_actor a
                    where a.notification in ", $first, "
                ) as placed
                where place <= $2
                order by notification, place"),
            list: concat!("
                select ", columns!(), " from realtime_notification n
                where n.user_id = $1 and n.archived is null", listed!()),
            archive: concat!("
                select ", columns!(), " from realtime_notification n
                where n.user_id = $1 and n.archived is not null and n.withdrawn is null", listed!()),
            read: concat!("
                update realtime_notification
                set read = $4, seen = coalesce(seen, $4), open = null, change = $3
                where user_id = $1 and read is null and id in ", $second),
            unread: concat!("
                update realtime_notification
                set read = null, change = $3
                where user_id = $1 and read is not null and id in ", $second),
            seen: concat!("
                update realtime_notification
                set seen = $4, change = $3
                where user_id = $1 and seen is null and id in ", $second),
            archived: concat!("
                update realtime_notification
                set archived = $4, open = null, change = $3
                where user_id = $1 and archived is null and id in ", $second),
            unarchived: concat!("
                update realtime_notification
                set archived = null, kept = $4, change = $3
                where user_id = $1 and archived is not null and withdrawn is null and id in ", $second),
            read_all: "
                update realtime_notification
                set read = $4, seen = coalesce(seen, $4), open = null, change = $3
                where user_id = $1 and read is null and archived is null and change <= $2",
            wake: concat!("
                insert into realtime_outbox (room, event_id, data, created)
                select w.value ->> 0, w.value ->> 1, w.value ->> 2, $2
                from ", $lists, " as w
                where true
                returning id"),
            deliver: concat!("
                insert into realtime_delivery (notification, user_id, channel, due, since, change)
                select n.id, n.user_id, c.channel, $3, $2, n.change
                from realtime_inbox i
                join realtime_notification n on n.user_id = i.user_id and n.change = i.change
                join realtime_channel c on c.user_id = i.user_id and c.gone is null
                where i.user_id in (select p.user_id from ", $users, " as p)
                order by i.user_id, c.channel
                on conflict (notification, channel) where done is null do update set change = excluded.change"),
            withdraw: concat!("
                insert into realtime_notification_key (user_id, key, created, withdrawn)
                select '', p.user_id, $2, $2 from ", $users, " as p
                where true
                order by p.user_id
                on conflict (user_id, key) do update
                set withdrawn = coalesce(realtime_notification_key.withdrawn, excluded.withdrawn)"),
            told: concat!("
                select distinct user_id from realtime_notification_key
                where key in (select p.user_id from ", $users, " as p)
                    and notification is not null and withdrawn is null
                order by user_id
                limit $2"),
            still_told: concat!("
                select distinct user_id from realtime_notification_key
                where key in ", $keys, " and user_id in (select p.user_id from ", $users, " as p)
                    and notification is not null and withdrawn is null
                order by user_id"),
            withdraw_theirs: concat!("
                update realtime_notification_key
                set data = null,
                    withdrawn = (select i.change from realtime_inbox i where i.user_id = realtime_notification_key.user_id)
                where key in ", $keys, " and user_id in (select p.user_id from ", $users, " as p)
                    and notification is not null and withdrawn is null"),
            withdraw_actors: concat!("
                delete from realtime_notification_actor
                where (notification, user_id) in (", withdrawn!("k.notification, k.actor", $users, $keys), ")
                    and not exists (
                        select 1 from realtime_notification_key k
                        where k.notification = realtime_notification_actor.notification and k.data is not null
                            and k.actor = realtime_notification_actor.user_id
                    )"),
            withdraw_some: concat!("
                update realtime_notification
                set (data, community, origin, updated) = (
                        select k.data, k.community, k.origin, k.created from realtime_notification_key k
                        where k.notification = realtime_notification.id and k.data is not null
                        order by k.created desc, k.key desc
                        limit 1
                    ),
                    -- What has no key is not known one by one, and stays counted.
                    count = count - (
                        select count(*) from realtime_inbox i
                        join realtime_notification_key k on k.user_id = i.user_id and k.withdrawn = i.change
                        where i.user_id = realtime_notification.user_id
                            and k.notification = realtime_notification.id and k.key in ", $keys, "
                    ),
                    change = (select i.change from realtime_inbox i where i.user_id = realtime_notification.user_id)
                where id in (", withdrawn!("k.notification", $users, $keys), ") and ", is_left!()),
            withdraw_all: concat!("
                update realtime_notification
                set withdrawn = 1, data = 'null', archived = coalesce(archived, $3), open = null,
                    change = (select i.change from realtime_inbox i where i.user_id = realtime_notification.user_id)
                where id in (", withdrawn!("k.notification", $users, $keys), ") and not ", is_left!()),
            withdraw_deliveries: concat!("
                update realtime_delivery
                set done = $3, outcome = 'withdrawn', claim = null, claimed_until = null
                where done is null and notification in (", withdrawn!("k.notification", $users, $keys), ")
                    and exists (
                        select 1 from realtime_delivery s
                        join realtime_notification n on n.id = s.notification
                        where s.notification = realtime_delivery.notification and s.channel = realtime_delivery.channel
                            and s.outcome = 'sent' and s.done >= n.updated
                    )"),
            one: concat!("
                select ", columns!(), " from realtime_notification n where n.id = $1"),
            preferences: "
                select kind, community, enabled, muted_until from realtime_preference
                where user_id = $1
                order by community, kind",
            prefer: "
                insert into realtime_preference (user_id, kind, community, enabled)
                values ($1, $2, $3, $4)
                on conflict (user_id, kind, community) do update set enabled = excluded.enabled",
            mute: "
                insert into realtime_preference (user_id, kind, community, muted_until)
                values ($1, $2, $3, $4)
                on conflict (user_id, kind, community) do update set muted_until = excluded.muted_until",
            prefer_nothing: "
                delete from realtime_preference
                where user_id = $1 and kind = $2 and community = $3 and enabled is null and muted_until is null",
            count_preferences: "
                select count(*) from realtime_preference where user_id = $1",
            old: "
                select distinct user_id from (
                    select user_id from realtime_notification where archived is null and coalesce(kept, updated) < $1
                    limit $2
                ) as aged
                order by user_id",
            lock: concat!("
                select user_id from realtime_inbox
                where user_id in (select p.user_id from ", $users, " as p)
                order by user_id", $lock),
            still_old: concat!("
                select distinct user_id from realtime_notification
                where archived is null and coalesce(kept, updated) < $2
                    and user_id in (select p.user_id from ", $users, " as p)
                order by user_id"),
            put_away: concat!("
                update realtime_notification
                set archived = $3, open = null,
                    change = (select i.change from realtime_inbox i where i.user_id = realtime_notification.user_id)
                where archived is null and coalesce(kept, updated) < $2
                    and user_id in (select p.user_id from ", $users, " as p)"),
            // What is put back at this moment stays.
            delete: "
                delete from realtime_notification
                where archived < $1 and id in (
                    select id from realtime_notification where archived < $1 order by archived limit $2
                )
                returning id",
            delete_actors: concat!("
                delete from realtime_notification_actor where notification in ", $first),
            // What is known by them can be taken back for as long as it is kept.
            delete_keys: "
                delete from realtime_notification_key
                where (user_id, key) in (
                    select k.user_id, k.key from realtime_notification_key k
                    where k.created < $1 and not exists (
                        select 1 from realtime_notification n where n.id = k.notification
                    )
                    limit $2
                )",
        }
    };
}

#[cfg(feature = "sqlite")]
pub(super) const SQLITE: Statements = statements!(
    "(select value as user_id from json_each($1))",
    "(select value from json_each($2))",
    "(select value from json_each($1))",
    "(select value from json_each($2))",
    "json_each($1)",
    // Who writes is alone.
    ""
);

#[cfg(feature = "postgres")]
pub(super) const POSTGRES: Statements = statements!(
    "(select value as user_id from json_array_elements_text($1::json))",
    "(select value from json_array_elements_text($2::json))",
    "(select value::bigint from json_array_elements_text($1::json))",
    "(select value::bigint from json_array_elements_text($2::json))",
    "json_array_elements($1::json)",
    " for update"
);

/// Tells everyone, at the commit, that something was written, and by whom: $1 channel, $2 writer.
#[cfg(feature = "postgres")]
pub(super) const TELL: &str = "select pg_notify($1, $2) is null";
