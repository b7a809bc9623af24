-- Times are microseconds since 1970 UTC.

-- One row a user: the lock that orders, and the counters that never drift from the rows they count.
CREATE TABLE inboxes (
    user_id TEXT NOT NULL PRIMARY KEY,
    epoch TEXT NOT NULL,
    last_offset BIGINT NOT NULL,
    pruned_offset BIGINT NOT NULL DEFAULT 0,
    acked_offset BIGINT NOT NULL DEFAULT 0,
    unread BIGINT NOT NULL DEFAULT 0 CHECK (unread >= 0),
    unseen BIGINT NOT NULL DEFAULT 0 CHECK (unseen >= 0),
    version BIGINT NOT NULL DEFAULT 0,
    marks_version BIGINT NOT NULL DEFAULT 0,
    changed_at BIGINT NOT NULL
) WITHOUT ROWID;

CREATE INDEX inboxes_changed_at ON inboxes (changed_at);

-- The payload stands last, so that a query over the other columns never walks its overflow pages.
CREATE TABLE notifications (
    user_id TEXT NOT NULL,
    "offset" BIGINT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    "type" TEXT NOT NULL,
    v BIGINT NOT NULL,
    "key" TEXT,
    created_at BIGINT NOT NULL,
    seen_at BIGINT,
    read_at BIGINT,
    archived_at BIGINT,
    expires_at BIGINT,
    muted BOOLEAN NOT NULL DEFAULT FALSE,
    payload TEXT NOT NULL,
    PRIMARY KEY (user_id, "offset"),
    -- Read implies seen, archived implies both: the deltas of the counters rest on it.
    CHECK (read_at IS NULL OR seen_at IS NOT NULL),
    CHECK (archived_at IS NULL OR read_at IS NOT NULL)
) WITHOUT ROWID;

CREATE INDEX notifications_unread ON notifications (user_id, "offset") WHERE read_at IS NULL;

CREATE INDEX notifications_archived ON notifications (user_id, "offset") WHERE archived_at IS NOT NULL;

CREATE INDEX notifications_expiry ON notifications (expires_at) WHERE expires_at IS NOT NULL;

-- What a publish was answered, for the next one with the same key.
CREATE TABLE idempotency_keys (
    publisher TEXT NOT NULL,
    "key" TEXT NOT NULL,
    digest BLOB NOT NULL,
    -- One line a recipient, in the order of the draft: id, position.
    receipts TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (publisher, "key")
);

CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);

-- What belongs to the database as a whole, by name.
CREATE TABLE meta (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
