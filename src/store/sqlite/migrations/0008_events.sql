-- Events, each with its place in the chain of hashes.
CREATE TABLE events (
    seq     INTEGER PRIMARY KEY, -- 1, 2, 3 and so on, without gaps
    id      BLOB NOT NULL,
    at      INTEGER NOT NULL,    -- milliseconds since 1970
    kind    TEXT NOT NULL,
    class   TEXT NOT NULL,
    person  TEXT,                -- the id of the user whom it concerns
    client  TEXT,
    record  TEXT,                -- JSON; NULL when the event has expired
    digest  BLOB NOT NULL,       -- of the record
    link    BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX events_id ON events (id);
CREATE INDEX events_at ON events (at);
CREATE INDEX events_person ON events (person, seq) WHERE person IS NOT NULL;
CREATE INDEX events_client ON events (client, seq) WHERE client IS NOT NULL;
CREATE INDEX events_kept ON events (class, at) WHERE record IS NOT NULL;

-- The last event that was removed from the beginning of the chain: one row, or none before the first removal.
CREATE TABLE event_chain_base (
    name TEXT PRIMARY KEY CHECK (name = 'base'),
    seq  INTEGER NOT NULL,
    link BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE event_counts (
    minute INTEGER NOT NULL, -- its beginning, in milliseconds since 1970
    kind   TEXT NOT NULL,
    client TEXT NOT NULL,    -- empty: no client
    count  INTEGER NOT NULL,
    PRIMARY KEY (minute, kind, client)
) STRICT, WITHOUT ROWID;

-- The key under which the personal data in the user's events is sealed.
ALTER TABLE users ADD COLUMN event_key BLOB;
