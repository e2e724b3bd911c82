CREATE TABLE rings (
    name     TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    record   TEXT NOT NULL -- JSON
) STRICT, WITHOUT ROWID;

CREATE TABLE instances (
    id     TEXT PRIMARY KEY,
    at     INTEGER NOT NULL, -- milliseconds since 1970
    record TEXT NOT NULL     -- JSON
) STRICT, WITHOUT ROWID;
