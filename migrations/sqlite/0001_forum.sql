-- The forum's tables. Times are milliseconds since the Unix epoch, UTC.

create table person (
    id      integer primary key,
    name    text    not null unique collate nocase,
    created integer not null
);

create table community (
    id    integer primary key,
    slug  text    not null unique,
    name  text    not null,
    about text    not null
);

create table membership (
    community integer not null references community (id),
    person    integer not null references person (id),
    primary key (community, person)
);

create table board (
    id        integer primary key,
    community integer not null references community (id),
    slug      text    not null,
    name      text    not null,
    about     text    not null,
    unique (community, slug)
);

create table post (
    id      integer primary key,
    board   integer not null references board (id),
    author  integer not null references person (id),
    title   text    not null,
    body    text    not null,
    created integer not null
);

-- A board's page reads its newest posts.
create index post_by_board on post (board, id desc);

-- What the forum makes up once and keeps, such as its development secret.
create table setting (
    name  text primary key,
    value text not null
);
