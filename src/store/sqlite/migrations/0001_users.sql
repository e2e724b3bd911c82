CREATE TABLE users (
    id            TEXT PRIMARY KEY,
    username      TEXT NOT NULL UNIQUE,
    email         TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    created_at    INTEGER NOT NULL, -- milliseconds since 1970
    updated_at    INTEGER NOT NULL  -- milliseconds since 1970
) STRICT, WITHOUT ROWID;
