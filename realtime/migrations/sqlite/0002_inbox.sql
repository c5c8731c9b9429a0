-- People's inboxes. Times are milliseconds since the Unix epoch, UTC.

-- How far a person's numbered changes go. Whoever changes an inbox raises the number first, in the same transaction:
-- so changes of one inbox happen one after the other.
create table realtime_inbox (
    user_id text    not null primary key,
    change  integer not null
);

-- What a person is told. One row evolves for as long as more comes about the same subject and it is not read.
create table realtime_notification (
    -- Never used again, also not after a row is deleted.
    id        integer primary key autoincrement,
    user_id   text    not null,
    kind      text    not null,
    -- What it is about; null: it stands alone.
    subject   text,
    -- Where it happened, for preferences; null: nowhere in particular.
    community text,
    -- The partner community that it comes from, where it does.
    origin    text,
    -- The host's own, as JSON.
    data      text    not null,
    -- How often something came.
    count     integer not null,
    created   integer not null,
    -- When something came last.
    updated   integer not null,
    seen      integer,
    read      integer,
    archived  integer,
    -- The change of the inbox that touched it last.
    change    integer not null,
    -- 1 while more about the same subject is added to it, null from then on.
    open      integer check (open = 1)
);

-- One row for each subject takes more.
create unique index realtime_notification_open on realtime_notification (user_id, kind, subject) where open = 1;

-- The list, newest first.
create index realtime_notification_list on realtime_notification (user_id, updated, id) where archived is null;

-- What was changed since.
create index realtime_notification_change on realtime_notification (user_id, change, id);

-- The unread count.
create index realtime_notification_unread on realtime_notification (user_id) where read is null and archived is null;

-- What is old enough goes.
create index realtime_notification_age on realtime_notification (updated);

-- Who did it, each once for a notification.
create table realtime_notification_actor (
    notification integer not null references realtime_notification (id) on delete cascade,
    user_id      text    not null,
    name         text    not null,
    at           integer not null,
    primary key (notification, user_id)
);

-- What was created already: a repeat with the same key creates nothing.
create table realtime_notification_key (
    user_id text    not null,
    key     text    not null,
    created integer not null,
    primary key (user_id, key)
);

create index realtime_notification_key_age on realtime_notification_key (created);

-- What a person wants to hear of, for a kind ('': each) in a community ('': each).
create table realtime_preference (
    user_id     text    not null,
    kind        text    not null,
    community   text    not null,
    -- 1: on, 0: off; null: as a wider preference says.
    enabled     integer check (enabled in (0, 1)),
    muted_until integer,
    primary key (user_id, kind, community)
);
