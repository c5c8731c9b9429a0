-- The partner community that an event was relayed from; null: it is no relay, and may be relayed itself.
alter table realtime_outbox add column origin text;
