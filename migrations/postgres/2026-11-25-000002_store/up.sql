-- The same tables as in migrations/sqlite. Times are microseconds since 1970 UTC.
-- What is compared by its order is compared byte by byte, whatever the language of the database.

-- One row a user: the lock that orders, and the counters that never drift from the rows they count.
CREATE TABLE inboxes (
    user_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    epoch TEXT NOT NULL,
    last_offset BIGINT NOT NULL,
    pruned_offset BIGINT NOT NULL DEFAULT 0,
    acked_offset BIGINT NOT NULL DEFAULT 0,
    unread BIGINT NOT NULL DEFAULT 0 CHECK (unread >= 0),
    unseen BIGINT NOT NULL DEFAULT 0 CHECK (unseen >= 0),
    version BIGINT NOT NULL DEFAULT 0,
    marks_version BIGINT NOT NULL DEFAULT 0,
    changed_at BIGINT NOT NULL,
    -- How many mutes the user has, so that storing a notification looks for none where there are none.
    mutes BIGINT NOT NULL DEFAULT 0 CHECK (mutes >= 0)
);

CREATE INDEX inboxes_changed_at ON inboxes (changed_at, user_id);

-- The payload is kept as it came: jsonb would order its keys anew, and refuses U+0000.
CREATE TABLE notifications (
    user_id TEXT COLLATE "C" NOT NULL,
    "offset" BIGINT NOT NULL,
    id TEXT COLLATE "C" NOT NULL UNIQUE,
    "type" TEXT COLLATE "C" NOT NULL,
    v BIGINT NOT NULL,
    "key" TEXT COLLATE "C",
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
);

CREATE INDEX notifications_unread ON notifications (user_id, "offset") WHERE read_at IS NULL;

CREATE INDEX notifications_archived ON notifications (user_id, "offset") WHERE archived_at IS NOT NULL;

CREATE INDEX notifications_expiry ON notifications (expires_at) WHERE expires_at IS NOT NULL;

-- What the next notification with the same collapse key takes the place of.
CREATE INDEX notifications_replaceable ON notifications (user_id, "key")
    WHERE "key" IS NOT NULL AND read_at IS NULL;

-- What a user does not want to hear of, by type: judged when a notification is stored.
CREATE TABLE mutes (
    user_id TEXT COLLATE "C" NOT NULL,
    pattern TEXT COLLATE "C" NOT NULL,
    -- NULL is for good.
    until BIGINT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, pattern)
);

-- How a user wants to be told; whoever never said it has no row.
CREATE TABLE preferences (
    user_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    quiet_zone TEXT,
    -- Minutes of the day on the clocks of that zone.
    quiet_from BIGINT,
    quiet_to BIGINT,
    push BOOLEAN NOT NULL,
    CHECK ((quiet_zone IS NULL) = (quiet_from IS NULL) AND (quiet_zone IS NULL) = (quiet_to IS NULL)),
    CHECK (quiet_from <> quiet_to)
);

-- What a publish was answered, for the next one with the same key.
CREATE TABLE idempotency_keys (
    publisher TEXT COLLATE "C" NOT NULL,
    "key" TEXT COLLATE "C" NOT NULL,
    digest BYTEA NOT NULL,
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
);
