-- Instances that say who is with them, where webhooks tell of it.
CREATE TABLE ledger_nodes (
    node TEXT NOT NULL PRIMARY KEY,
    -- What it has said holds until then, unless it renews it; 0 where it is being taken away.
    lease_until BIGINT NOT NULL,
    -- From when on it has been renewed in time.
    held_since BIGINT NOT NULL,
    -- The last of its messages that was taken in.
    batch BIGINT NOT NULL
) WITHOUT ROWID;

-- What keeps a subject present, and on which instance: a user is by sessions, a room by the instances with somebody in it.
CREATE TABLE ledger_entries (
    -- What kind of subject, and its name.
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    -- The session, or the instance.
    entry TEXT NOT NULL,
    node TEXT NOT NULL,
    transport TEXT,
    since BIGINT NOT NULL,
    PRIMARY KEY (kind, name, entry),
    CHECK (kind IN ('room', 'user'))
) WITHOUT ROWID;

CREATE INDEX ledger_entries_node ON ledger_entries (node, kind, name, entry);

-- Who is online and which rooms are occupied, as it was told.
CREATE TABLE ledger_subjects (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    -- How often something has come that keeps it present.
    arrivals BIGINT NOT NULL,
    -- When the last of that had gone, and when it is to be told.
    left_at BIGINT,
    due_at BIGINT,
    PRIMARY KEY (kind, name),
    CHECK ((left_at IS NULL) = (due_at IS NULL))
) WITHOUT ROWID;

CREATE INDEX ledger_subjects_due ON ledger_subjects (due_at) WHERE due_at IS NOT NULL;

-- One event for the receiver of webhooks: to be sent, or what has become of it.
CREATE TABLE webhook_jobs (
    sequence INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    "type" TEXT NOT NULL,
    -- Whom it names.
    user_id TEXT,
    data TEXT NOT NULL,
    occurred_at BIGINT NOT NULL,
    -- NULL from its end on.
    due_at BIGINT,
    attempts BIGINT NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'waiting',
    -- Of the last answer of the receiver.
    status BIGINT,
    reason TEXT,
    ended_at BIGINT,
    CHECK (state IN ('waiting', 'sent', 'dead')),
    CHECK ((state = 'waiting') = (due_at IS NOT NULL)),
    CHECK ((state = 'waiting') = (ended_at IS NULL))
);

CREATE INDEX webhook_jobs_due ON webhook_jobs (due_at, sequence) WHERE due_at IS NOT NULL;

-- What waits, the oldest first: so that it can be told, and bounded, without a look at what has ended, or at the table at
-- all, for which `due_at` is in it.
CREATE INDEX webhook_jobs_waiting ON webhook_jobs (sequence, due_at) WHERE due_at IS NOT NULL;

-- What has ended, in the order in which it is forgotten, and for which nothing has to be sorted.
CREATE INDEX webhook_jobs_ended ON webhook_jobs (state, ended_at, sequence) WHERE ended_at IS NOT NULL;

CREATE INDEX webhook_jobs_user_id ON webhook_jobs (user_id, sequence) WHERE user_id IS NOT NULL;

-- How a receiver does; one that has always answered well has no row.
CREATE TABLE webhook_endpoints (
    -- SHA-256 of its address, which may hold a secret.
    digest BLOB NOT NULL PRIMARY KEY,
    -- From when on every attempt has failed.
    failing_since BIGINT,
    -- From when on nothing is sent there.
    disabled_at BIGINT,
    reason TEXT
) WITHOUT ROWID;
