-- What reaches people beside the pages that they have open. Times are milliseconds since the Unix epoch, UTC.

-- Where a person can be told things, one address for each channel.
create table realtime_channel (
    user_id     text    not null,
    channel     text    not null,
    -- The channel's own: a chat, an e-mail address.
    address     text    not null,
    linked      integer not null,
    -- Nothing more is sent there before this.
    quiet_until integer not null default 0,
    -- Since when nothing can be sent there any more, and why; null: it works.
    gone        integer,
    reason      text,
    primary key (user_id, channel)
);

-- An address is one person's.
create unique index realtime_channel_address on realtime_channel (channel, address) where gone is null;

-- What links an address to a person, once.
create table realtime_link_code (
    user_id text    not null,
    channel text    not null,
    code    text    not null unique,
    expires integer not null,
    primary key (user_id, channel)
);

-- What is to be sent, and what became of it.
create table realtime_delivery (
    -- Of one person these count up in the order in which things happened.
    id            integer primary key autoincrement,
    notification  integer not null,
    user_id       text    not null,
    channel       text    not null,
    -- How often it was tried.
    attempts      integer not null default 0,
    -- Not before this.
    due           integer not null,
    -- By which instance's which claim it is being sent, and until when nobody else may.
    claim         text,
    claimed_until integer,
    -- When `due` or `claimed_until` was set: a clock that shows less than this has gone back.
    since         integer not null,
    -- When it was over with, and how: sent, or why it was not. Null until then.
    done          integer,
    outcome       text
);

-- While one waits, more about the same does not add another.
create unique index realtime_delivery_once on realtime_delivery (notification, channel) where done is null;

-- What is to be sent next.
create index realtime_delivery_due on realtime_delivery (due, id) where done is null;

-- Of one person, the first: the others come after it.
create index realtime_delivery_order on realtime_delivery (user_id, channel, id) where done is null;

-- What was over with long enough ago is deleted.
create index realtime_delivery_done on realtime_delivery (done) where done is not null;

-- What only one instance does at a time.
create table realtime_lease (
    name   text    not null primary key,
    holder text    not null,
    until  integer not null,
    since  integer not null
);
