CREATE TABLE status_lists (
    number     INTEGER PRIMARY KEY,
    key        TEXT NOT NULL,    -- the fingerprint of the key of the secret order of its places
    next       INTEGER NOT NULL, -- the first position that was not given out
    live_until INTEGER NOT NULL  -- milliseconds since 1970
) STRICT;

CREATE TABLE status_entries (
    place        INTEGER PRIMARY KEY, -- the number of the list, times 2^20, and the number of the entry
    jti          TEXT NOT NULL,
    kid          TEXT NOT NULL,
    client       TEXT NOT NULL,
    registration BLOB,
    user         BLOB,
    grant_id     BLOB,
    session      BLOB,
    issued_at    INTEGER NOT NULL, -- milliseconds since 1970
    expires_at   INTEGER NOT NULL  -- milliseconds since 1970
) STRICT;

CREATE INDEX status_entries_jti ON status_entries (jti);
CREATE INDEX status_entries_kid ON status_entries (kid);
CREATE INDEX status_entries_registration ON status_entries (registration) WHERE registration IS NOT NULL;
CREATE INDEX status_entries_user ON status_entries (user) WHERE user IS NOT NULL;
CREATE INDEX status_entries_grant ON status_entries (grant_id) WHERE grant_id IS NOT NULL;
CREATE INDEX status_entries_session ON status_entries (session) WHERE session IS NOT NULL;
CREATE INDEX status_entries_expires_at ON status_entries (expires_at);
