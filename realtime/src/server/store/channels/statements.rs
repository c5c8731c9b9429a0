//! The channels' statements. SQLite and Postgres differ in how a list that is one parameter is taken apart, and in
//! that rows of Postgres can be claimed by two at once.

/// See the [module](self).
pub(super) struct Statements {
    /// $1 user, $2 channel, $3 address, $4 now → others who had the address.
    pub(super) take: &'static str,
    /// $1 user, $2 channel, $3 address, $4 now.
    pub(super) link: &'static str,
    /// $1 user, $2 channel.
    pub(super) unlink: &'static str,
    /// $1 channel, $2 address → whose it is.
    pub(super) owner: &'static str,
    /// $1 user → channel, linked, gone, reason.
    pub(super) linked: &'static str,
    /// $1 user, $2 channel, $3 address, $4 now, $5 reason.
    pub(super) gone: &'static str,
    /// $1 user, $2 channel, $3 code, $4 expires, $5 their name.
    pub(super) code: &'static str,
    /// $1 channel, $2 code, $3 now → whose it was, and their name. Nobody else gets it.
    pub(super) redeem: &'static str,
    /// $1 time.
    pub(super) delete_codes: &'static str,
    /// $1 claim, $2 until, $3 now, $4 channels, $5 how many → ids.
    pub(super) claim: &'static str,
    /// $1 ids, $2 claim → id, notification, user, channel, address, attempts.
    pub(super) claimed: &'static str,
    /// $1 id, $2 claim, $3 until, $4 now, $5 address. Whoever is about to send asks once more whether it is theirs to.
    pub(super) renew: &'static str,
    /// $1 id, $2 now. Whoever holds the claim: it is a fact.
    pub(super) sent: &'static str,
    /// $1 user, $2 channel, $3 address, $4 until.
    pub(super) quiet: &'static str,
    /// $1 id, $2 claim, $3 now, $4 outcome.
    pub(super) finish: &'static str,
    /// $1 id, $2 change, $3 now. One more, where more has joined than up to this change.
    pub(super) again: &'static str,
    /// $1 id, $2 claim, $3 due, $4 now.
    pub(super) later: &'static str,
    /// $1 user, $2 channel, $3 now, $4 outcome. Everything that waits.
    pub(super) finish_all: &'static str,
    /// $1 now, $2 how many. What waits for a channel that was unlinked in the same moment as it was written.
    pub(super) finish_stray: &'static str,
    /// $1 time, $2 how many. Deletes what was over with before.
    pub(super) delete: &'static str,
    /// $1 time, $2 how many. Deletes what has been waiting since before.
    pub(super) delete_waiting: &'static str,
}

/// By how much the clocks of instances may differ, in milliseconds: what was set later than this from now was set
/// before a clock went back.
macro_rules! skew {
    () => {
        "10000"
    };
}

/// Whether a delivery may be claimed: what is asked when it is looked for, and again when it is taken.
macro_rules! free {
    ($row:literal) => {
        concat!(
            $row,
            ".done is null and (",
            $row,
            ".since > $3 + ",
            skew!(),
            " or (",
            $row,
            ".due <= $3 and (",
            $row,
            ".claimed_until is null or ",
            $row,
            ".claimed_until <= $3)))"
        )
    };
}

macro_rules! statements {
    ($first:literal, $fourth:literal, $skip:literal) => {
        Statements {
            take: "
                update realtime_channel set gone = $4, reason = 'it was linked to another account'
                where channel = $2 and address = $3 and user_id <> $1 and gone is null
                returning user_id",
            link: "
                insert into realtime_channel (user_id, channel, address, linked) values ($1, $2, $3, $4)
                on conflict (user_id, channel) do update
                set address = excluded.address, linked = excluded.linked, quiet_until = 0, gone = null, reason = null",
            unlink: "
                delete from realtime_channel where user_id = $1 and channel = $2",
            owner: "
                select user_id from realtime_channel where channel = $1 and address = $2 and gone is null",
            linked: "
                select channel, linked, gone, reason from realtime_channel where user_id = $1 order by channel",
            gone: "
                update realtime_channel set gone = $4, reason = $5
                where user_id = $1 and channel = $2 and address = $3 and gone is null",
            code: "
                insert into realtime_link_code (user_id, channel, code, expires, name) values ($1, $2, $3, $4, $5)
                on conflict (user_id, channel) do update
                set code = excluded.code, expires = excluded.expires, name = excluded.name",
            redeem: "
                delete from realtime_link_code where channel = $1 and code = $2 and expires > $3
                returning user_id, name",
            delete_codes: "
                delete from realtime_link_code where expires < $1",
            claim: concat!("
                update realtime_delivery set claim = $1, claimed_until = $2, since = $3
                where id in (
                    select d.id from realtime_delivery d
                    join realtime_channel c on c.user_id = d.user_id and c.channel = d.channel
                    where ", free!("d"), "
                        and d.channel in ", $fourth, "
                        and c.gone is null
                        -- A rest is short: a longer one is a clock's that has gone back.
                        and (c.quiet_until <= $3 or c.quiet_until > $3 + 120000)
                        and not exists (
                            select 1 from realtime_delivery e
                            where e.user_id = d.user_id and e.channel = d.channel and e.done is null and e.id < d.id
                        )
                    order by d.due, d.id
                    limit $5", $skip, "
                ) and ", free!("realtime_delivery"), "
                returning id"),
            claimed: concat!("
                select d.id, d.notification, d.user_id, d.channel, c.address, d.attempts
                from realtime_delivery d
                join realtime_channel c on c.user_id = d.user_id and c.channel = d.channel
                where d.id in ", $first, " and d.claim = $2
                order by d.due, d.id"),
            renew: "
                update realtime_delivery
                set claimed_until = $3, since = $4, attempts = attempts + 1
                where id = $1 and claim = $2 and done is null and exists (
                    select 1 from realtime_channel c
                    where c.user_id = realtime_delivery.user_id and c.channel = realtime_delivery.channel
                        and c.address = $5 and c.gone is null
                )",
            sent: "
                update realtime_delivery set done = $2, outcome = 'sent', claim = null, claimed_until = null
                where id = $1 and done is null",
            quiet: "
                update realtime_channel set quiet_until = $4
                where user_id = $1 and channel = $2 and address = $3",
            finish: "
                update realtime_delivery set done = $3, outcome = $4, claim = null, claimed_until = null
                where id = $1 and claim = $2 and done is null",
            again: "
                insert into realtime_delivery (notification, user_id, channel, due, since, change)
                select d.notification, d.user_id, d.channel, $3, $3, d.change
                from realtime_delivery d
                where d.id = $1 and d.change > $2
                on conflict (notification, channel) where done is null do nothing",
            later: "
                update realtime_delivery set due = $3, since = $4, claim = null, claimed_until = null
                where id = $1 and claim = $2 and done is null",
            finish_all: "
                update realtime_delivery set done = $3, outcome = $4, claim = null, claimed_until = null
                where user_id = $1 and channel = $2 and done is null",
            finish_stray: "
                update realtime_delivery set done = $1, outcome = 'unlinked', claim = null, claimed_until = null
                where done is null and id in (
                    select d.id from realtime_delivery d
                    where d.done is null and d.due <= $1 and not exists (
                        select 1 from realtime_channel c
                        where c.user_id = d.user_id and c.channel = d.channel and c.gone is null
                    )
                    limit $2
                )",
            delete: "
                delete from realtime_delivery
                where id in (select id from realtime_delivery where done < $1 limit $2)",
            delete_waiting: "
                delete from realtime_delivery
                where done is null and id in (
                    select id from realtime_delivery where done is null and due < $1 limit $2
                )",
        }
    };
}

#[cfg(feature = "sqlite")]
pub(super) const SQLITE: Statements = statements!(
    "(select value from json_each($1))",
    "(select value from json_each($4))",
    ""
);

#[cfg(feature = "postgres")]
pub(super) const POSTGRES: Statements = statements!(
    "(select value::bigint from json_array_elements_text($1::json))",
    "(select value from json_array_elements_text($4::json))",
    // What another claims at this moment is theirs, and not waited for.
    " for update of d skip locked"
);
