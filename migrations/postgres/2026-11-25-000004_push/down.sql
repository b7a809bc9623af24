DROP TABLE push_jobs;
ALTER TABLE notifications DROP COLUMN push;
ALTER TABLE inboxes DROP COLUMN attended_offset;
ALTER TABLE inboxes DROP COLUMN subscriptions;
DROP TABLE push_subscriptions;
