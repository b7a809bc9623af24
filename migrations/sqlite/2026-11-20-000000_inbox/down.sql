DROP TABLE meta;
DROP TABLE idempotency_keys;
DROP TABLE notifications;
DROP TABLE inboxes;
