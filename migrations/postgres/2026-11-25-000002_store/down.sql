DROP TABLE meta;
DROP TABLE idempotency_keys;
DROP TABLE preferences;
DROP TABLE mutes;
DROP TABLE notifications;
DROP TABLE inboxes;
