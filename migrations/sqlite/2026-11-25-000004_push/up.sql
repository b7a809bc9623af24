-- Browsers that asked to be told. A user has a handful.
CREATE TABLE push_subscriptions (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    -- SHA-256 of the endpoint, by which a browser is known, whoever uses it.
    digest BLOB NOT NULL UNIQUE,
    p256dh TEXT NOT NULL,
    auth TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- From when on nothing is sent there.
    disabled_at BIGINT
) WITHOUT ROWID;

CREATE INDEX push_subscriptions_user_id ON push_subscriptions (user_id, id);

-- How many of them nothing keeps from being sent to, so that storing a notification looks for none where there are
-- none.
ALTER TABLE inboxes ADD COLUMN subscriptions BIGINT NOT NULL DEFAULT 0 CHECK (subscriptions >= 0);

-- Up to where a page in front has shown everything.
ALTER TABLE inboxes ADD COLUMN attended_offset BIGINT NOT NULL DEFAULT 0;

-- What a push of it says, as JSON: in the publisher's words, where it has some and somebody could be pushed to.
ALTER TABLE notifications ADD COLUMN push TEXT;

-- One notification for one subscription: to be pushed, or what has become of it.
CREATE TABLE push_jobs (
    user_id TEXT NOT NULL,
    "offset" BIGINT NOT NULL,
    subscription_id TEXT NOT NULL,
    urgency TEXT NOT NULL,
    -- NULL from its end on.
    due_at BIGINT,
    -- It waits for the end of the quiet hours, or did.
    is_held BOOLEAN NOT NULL DEFAULT FALSE,
    attempts BIGINT NOT NULL DEFAULT 0,
    first_tried_at BIGINT,
    state TEXT NOT NULL DEFAULT 'waiting',
    -- Of the last answer of the push service.
    status BIGINT,
    reason TEXT,
    -- What the device may show it under, until it is told to show it no more.
    shown_tag TEXT,
    created_at BIGINT NOT NULL,
    ended_at BIGINT,
    PRIMARY KEY (user_id, "offset", subscription_id),
    CHECK (state IN ('waiting', 'sent', 'withheld', 'gone', 'dead')),
    CHECK ((state = 'waiting') = (due_at IS NOT NULL)),
    CHECK ((state = 'waiting') = (ended_at IS NULL))
) WITHOUT ROWID;

CREATE INDEX push_jobs_due ON push_jobs (is_held, due_at) WHERE due_at IS NOT NULL;

CREATE INDEX push_jobs_held ON push_jobs (subscription_id, "offset") WHERE is_held AND due_at IS NOT NULL;

CREATE INDEX push_jobs_ended ON push_jobs (state, ended_at) WHERE ended_at IS NOT NULL;

CREATE INDEX push_jobs_shown ON push_jobs (subscription_id, "offset") WHERE shown_tag IS NOT NULL;
