-- Whether whoever is new to the forum is a member; of the others people are made members.
alter table community add column open integer not null default 1 check (open in (0, 1));

-- Which community may hear of what happens in which other one. A partnership has a direction; two communities that
-- share with each other have two.
create table community_partnership (
    origin         integer not null references community (id),
    partner        integer not null references community (id),
    -- proposed, active or ended: only an active one shares anything.
    status         text    not null check (status in ('proposed', 'active', 'ended')),
    share_posts    integer not null default 1 check (share_posts in (0, 1)),
    share_comments integer not null default 0 check (share_comments in (0, 1)),
    share_presence integer not null default 0 check (share_presence in (0, 1)),
    created        integer not null,
    primary key (origin, partner),
    check (origin <> partner)
);

-- A community's page shows what its partners share with it.
create index partnership_by_partner on community_partnership (partner) where status = 'active';
