-- Posts can be edited and deleted. What is deleted keeps its row, and its comments. Each change of what people see of a
-- post has a number, which only grows: of its text, of its votes, and of how many comments it has.
alter table post add column edited integer;
alter table post add column deleted integer;
alter table post add column version integer not null default 1;
alter table post add column votes integer not null default 0;
alter table post add column votes_version integer not null default 0;
alter table post add column comments integer not null default 0;
alter table post add column comments_version integer not null default 0;

create table comment (
    id            integer primary key,
    post          integer not null references post (id),
    -- The comment that it answers, of the same post; without one it answers the post.
    parent        integer references comment (id),
    author        integer not null references person (id),
    body          text    not null,
    created       integer not null,
    edited        integer,
    deleted       integer,
    version       integer not null default 1,
    votes         integer not null default 0,
    votes_version integer not null default 0
);

-- A post's page reads its oldest comments, and goes on from there.
create index comment_by_post on comment (post, id);

-- One vote of a person on one thing, up or down.
create table vote (
    subject text    not null check (subject in ('post', 'comment')),
    id      integer not null,
    person  integer not null references person (id),
    value   integer not null check (value in (-1, 1)),
    primary key (subject, id, person)
);

-- What moderators did, for the other moderators.
create table moderation (
    id        integer primary key,
    community integer not null references community (id),
    moderator integer not null references person (id),
    -- What it was done to, and whose it was.
    subject   text    not null check (subject in ('post', 'comment')),
    author    integer not null references person (id),
    post      integer not null references post (id),
    title     text    not null,
    created   integer not null
);

create index moderation_by_community on moderation (community, id desc);
