-- How a user wants to be told; whoever never said it has no row.
CREATE TABLE preferences (
    user_id TEXT NOT NULL PRIMARY KEY,
    quiet_zone TEXT,
    -- Minutes of the day on the clocks of that zone.
    quiet_from BIGINT,
    quiet_to BIGINT,
    push BOOLEAN NOT NULL,
    CHECK ((quiet_zone IS NULL) = (quiet_from IS NULL) AND (quiet_zone IS NULL) = (quiet_to IS NULL)),
    CHECK (quiet_from <> quiet_to)
) WITHOUT ROWID;
