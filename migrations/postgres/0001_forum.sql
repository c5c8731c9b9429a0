-- The forum's tables. Times are milliseconds since the Unix epoch, UTC.

create table person (
    id      bigint generated always as identity primary key,
    name    text   not null,
    created bigint not null
);

create table community (
    id    bigint generated always as identity primary key,
    slug  text not null unique,
    name  text not null,
    about text not null
);

create table membership (
    community bigint not null references community (id),
    person    bigint not null references person (id),
    primary key (community, person)
);

create table board (
    id        bigint generated always as identity primary key,
    community bigint not null references community (id),
    slug      text   not null,
    name      text   not null,
    about     text   not null,
    unique (community, slug)
);

create table post (
    id      bigint generated always as identity primary key,
    board   bigint not null references board (id),
    author  bigint not null references person (id),
    title   text   not null,
    body    text   not null,
    created bigint not null
);

-- A board's page reads its newest posts.
create index post_by_board on post (board, id desc);

-- What the forum makes up once and keeps.
create table setting (
    name  text primary key,
    value text not null
);
