-- Who looks after the site itself, besides what they are in communities: they see the operator page. Given and taken by
-- the executable alone (`forum --operator NAME`), by whoever can reach the database.
create table site_operator (
    person bigint primary key references person (id),
    since  bigint not null
);
