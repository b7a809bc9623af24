DROP INDEX notifications_replaceable;
ALTER TABLE inboxes DROP COLUMN mutes;
DROP TABLE mutes;
