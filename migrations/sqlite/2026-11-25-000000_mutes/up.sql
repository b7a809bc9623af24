-- What a user does not want to hear of, by type: judged when a notification is stored.
CREATE TABLE mutes (
    user_id TEXT NOT NULL,
    pattern TEXT NOT NULL,
    -- NULL is for good.
    until BIGINT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, pattern)
) WITHOUT ROWID;

-- How many mutes the user has, so that storing a notification looks for none where there are none.
ALTER TABLE inboxes ADD COLUMN mutes BIGINT NOT NULL DEFAULT 0 CHECK (mutes >= 0);

-- What the next notification with the same collapse key takes the place of.
CREATE INDEX notifications_replaceable ON notifications (user_id, "key")
    WHERE "key" IS NOT NULL AND read_at IS NULL;
