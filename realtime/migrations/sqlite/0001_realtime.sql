-- What leptos_realtime keeps. Times are milliseconds since the Unix epoch, UTC.

-- What is known of a person beyond their connections. Who has no row is visible, was never seen, and may connect.
create table realtime_person (
    user_id    text    not null primary key,
    -- 1: shown to nobody, wherever they are.
    invisible  integer not null default 0 check (invisible in (0, 1)),
    last_seen  integer,
    -- What was signed in before this is not accepted any more.
    not_before integer
);

-- Events written in a host's transaction, until they have a place in their room's order.
create table realtime_outbox (
    -- Counts up and is never used again, also not after a row is deleted: the worker remembers rows by it.
    id              integer primary key autoincrement,
    room            text    not null,
    event_id        text    not null,
    subject_key     text,
    subject_version integer,
    data            text    not null,
    created         integer not null,
    -- When the event was published; null until then.
    published       integer
);

-- The worker looks for what is not published, in order; there is hardly ever any.
create index realtime_outbox_unpublished on realtime_outbox (id) where published is null;

-- What was published long enough ago is deleted.
create index realtime_outbox_published on realtime_outbox (published) where published is not null;
