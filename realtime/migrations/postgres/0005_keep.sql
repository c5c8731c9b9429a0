-- What is put back into the list stays there, and what joins a message on its way is sent too.

-- When it was last put back into the list; null: not since more came about it. It is as old as that, or as its last news.
alter table realtime_notification add column kept bigint;

drop index realtime_notification_age;

-- What is old enough is put away.
create index realtime_notification_age on realtime_notification ((coalesce(kept, updated))) where archived is null;

-- What was put away long enough ago goes.
create index realtime_notification_archived on realtime_notification (archived) where archived is not null;

-- What was put away, newest first.
create index realtime_notification_archive on realtime_notification (user_id, updated, id) where archived is not null;

-- The change of the person's inbox that it is to tell of: a message that was worded before is not enough.
alter table realtime_delivery add column change bigint not null default 0;

-- Whose code it is, for people.
alter table realtime_link_code add column name text not null default '';
