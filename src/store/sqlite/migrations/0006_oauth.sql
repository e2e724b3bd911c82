CREATE TABLE clients (
    id       TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    record   TEXT NOT NULL -- JSON
) STRICT, WITHOUT ROWID;

CREATE TABLE grants (
    id        BLOB PRIMARY KEY,
    revision  INTEGER NOT NULL,
    client    TEXT NOT NULL,
    user      TEXT NOT NULL,
    forget_at INTEGER NOT NULL, -- milliseconds since 1970
    terms     TEXT NOT NULL,    -- JSON
    stage     TEXT NOT NULL     -- JSON
) STRICT, WITHOUT ROWID;

CREATE INDEX grants_user ON grants (user, id);
CREATE INDEX grants_forget_at ON grants (forget_at);

CREATE TABLE browser_sessions (
    key        BLOB PRIMARY KEY, -- SHA-256 of the cookie's value
    revision   INTEGER NOT NULL,
    user       TEXT NOT NULL,
    expires_at INTEGER NOT NULL, -- milliseconds since 1970
    details    TEXT NOT NULL     -- JSON
) STRICT, WITHOUT ROWID;

CREATE INDEX browser_sessions_user ON browser_sessions (user);
CREATE INDEX browser_sessions_expires_at ON browser_sessions (expires_at);

CREATE TABLE consents (
    user     TEXT NOT NULL,
    client   TEXT NOT NULL,
    scopes   TEXT NOT NULL,
    given_at INTEGER NOT NULL, -- milliseconds since 1970
    PRIMARY KEY (user, client)
) STRICT, WITHOUT ROWID;

CREATE TABLE denials (
    denied     TEXT PRIMARY KEY, -- the kind, a colon, and the id of what is refused
    at         INTEGER NOT NULL, -- milliseconds since 1970
    expires_at INTEGER NOT NULL  -- milliseconds since 1970
) STRICT, WITHOUT ROWID;

CREATE INDEX denials_at ON denials (at, denied);
CREATE INDEX denials_expires_at ON denials (expires_at);
