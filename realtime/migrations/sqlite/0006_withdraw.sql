-- What people were told can be taken back: a key says which notification it made or joined, and as what.

-- 1: nothing is left of it. Its data is null, and it is in no list any more.
alter table realtime_notification add column withdrawn integer check (withdrawn = 1);

-- Null: it was before keys knew, or is the key itself (user ''), which whoever tells people or takes something back
-- holds until they are done.
alter table realtime_notification_key add column notification integer;

-- Who did it.
alter table realtime_notification_key add column actor text;

-- What the notification says when this is the last of it; null: it stands alone, or was taken back.
alter table realtime_notification_key add column data text;
alter table realtime_notification_key add column community text;
alter table realtime_notification_key add column origin text;

-- The change of the inbox with which it was taken back; of the key itself, the time.
alter table realtime_notification_key add column withdrawn integer;

-- Of what is open nobody knows which keys made it: what comes from now on stands beside it.
update realtime_notification set open = null where open = 1;

-- Who was told with a key.
create index realtime_notification_key_told on realtime_notification_key (key, user_id)
where notification is not null and withdrawn is null;

-- What is left of a notification that others joined.
create index realtime_notification_key_left on realtime_notification_key (notification, created, key)
where data is not null;

-- What was sent of it.
create index realtime_delivery_sent on realtime_delivery (notification, channel) where done is not null;
