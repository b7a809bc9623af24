-- What opens one connection without a token. Nothing here does: a ticket is known by its SHA-256 only.
CREATE TABLE tickets (
    digest BYTEA NOT NULL PRIMARY KEY,
    user_id TEXT COLLATE "C" NOT NULL,
    -- What the token behind it says, as JSON.
    claims TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX tickets_user_id ON tickets (user_id, expires_at);

CREATE INDEX tickets_expires_at ON tickets (expires_at);

-- What is no longer let in: the tokens of a user issued up to then, one token (jti), one session.
CREATE TABLE revocations (
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('user', 'jti', 'session')),
    value TEXT COLLATE "C" NOT NULL,
    revoked_at BIGINT NOT NULL,
    PRIMARY KEY (kind, value)
);

CREATE INDEX revocations_revoked_at ON revocations (revoked_at, kind, value);
