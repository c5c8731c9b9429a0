-- What names are compared by, so that `Ada` and `ada` are one; and the hash of a password, if the person has one.
alter table person add column name_key text;
alter table person add column password text;
update person set name_key = lower(name);
create unique index person_by_key on person (name_key);

-- Who is signed in where. Of a session's token only the hash is kept: who reads this table can sign in as nobody.
create table session (
    token   text   primary key,
    person  bigint not null references person (id),
    created bigint not null,
    -- When it was last used, give or take an hour.
    seen    bigint not null,
    -- The browser, in the words for its owner.
    device  text   not null
);

create index session_by_person on session (person);

-- What a person may do in a community besides reading and writing.
alter table membership add column role text not null default 'member' check (role in ('member', 'moderator', 'admin'));
create index membership_by_person on membership (person);
