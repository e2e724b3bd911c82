-- A database as the program of version 9 of the tables left it.
CREATE TABLE users (
    id            TEXT PRIMARY KEY,
    username      TEXT NOT NULL UNIQUE,
    email         TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO users (id, username, email, password_hash, created_at, updated_at) VALUES
    ('6b04cb1f00400f2ea8d6fe51', 'admin', 'ada@example.com', '$2b$04$one', 1795476255975, 1795476255976),
    ('6b04cb1f00400f2ea8d6fe52', 'Admin', 'renée@example.com', '$2b$04$two', 1795476255975, 1795476255976),
    ('6b04cb1f00400f2ea8d6fe53', 'аdmin', 'renée@example.com', '$2b$04$three', 1795476255975, 1795476255976),
    ('6b04cb1f00400f2ea8d6fe54', 'Grace', 'grace@example.com', '$2b$04$four', 1795476255975, 1795476255976);
CREATE TABLE rings (
    name     TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    record   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE instances (
    id     TEXT PRIMARY KEY,
    at     INTEGER NOT NULL,
    record TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO rings (name, revision, record) VALUES ('ring', 3, '{"version":1,"revision":3,"lead":0,"kept_until":0,"keys":[]}');
ALTER TABLE users ADD COLUMN sessions_valid_from INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN username_key TEXT;
ALTER TABLE users ADD COLUMN email_key TEXT;
ALTER TABLE users ADD COLUMN skeleton TEXT;
ALTER TABLE users ADD COLUMN skeleton_lower TEXT;
ALTER TABLE users ADD COLUMN username_twin TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN email_twin TEXT NOT NULL DEFAULT '';
UPDATE users SET username_key = 'admin', email_key = 'ada@example.com', skeleton = 'adrnin', skeleton_lower = 'adrnin',
    username_twin = '', email_twin = '' WHERE id = '6b04cb1f00400f2ea8d6fe51';
UPDATE users SET username_key = 'admin', email_key = 'renée@example.com', skeleton = 'adrnin', skeleton_lower = 'adrnin',
    username_twin = '6b04cb1f00400f2ea8d6fe52', email_twin = '' WHERE id = '6b04cb1f00400f2ea8d6fe52';
UPDATE users SET username_key = NULL, email_key = 'renée@example.com', skeleton = 'adrnin', skeleton_lower = 'adrnin',
    username_twin = '', email_twin = '6b04cb1f00400f2ea8d6fe53' WHERE id = '6b04cb1f00400f2ea8d6fe53';
UPDATE users SET username_key = 'grace', email_key = 'grace@example.com', skeleton = 'grace', skeleton_lower = 'grace',
    username_twin = '', email_twin = '' WHERE id = '6b04cb1f00400f2ea8d6fe54';
CREATE UNIQUE INDEX users_username_key ON users (username_key, username_twin) WHERE username_key IS NOT NULL;
CREATE UNIQUE INDEX users_email_key ON users (email_key, email_twin) WHERE email_key IS NOT NULL;
CREATE INDEX users_skeleton ON users (skeleton, username_key);
CREATE INDEX users_skeleton_lower ON users (skeleton_lower, username_key);
CREATE TABLE login_throttles (
    account   TEXT PRIMARY KEY, -- a user's id, or a place that names without a user share
    revision  INTEGER NOT NULL,
    forget_at INTEGER,          -- milliseconds since 1970; NULL: only an operator ends it
    record    TEXT NOT NULL     -- JSON
) STRICT, WITHOUT ROWID;

CREATE INDEX login_throttles_forget_at ON login_throttles (forget_at) WHERE forget_at IS NOT NULL;

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
INSERT INTO consents (user, client, scopes, given_at) VALUES ('6b04cb1f00400f2ea8d6fe51', 'app', 'openid', 1795476255976);
INSERT INTO denials (denied, at, expires_at) VALUES ('token:j-1', 1795476255976, 1795479855976);
CREATE TABLE assertions (
    name       BLOB PRIMARY KEY, -- a hash of the client's id and the jti
    expires_at INTEGER NOT NULL  -- milliseconds since 1970
) STRICT, WITHOUT ROWID;

CREATE INDEX assertions_expires_at ON assertions (expires_at);
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

ALTER TABLE users ADD COLUMN event_key BLOB;
INSERT INTO events (seq, id, at, kind, class, person, client, record, digest, link) VALUES
    (1, x'000102030405060708090a0b0c0d0e0f', 1795476255976, 'user.registered', 'security', '6b04cb1f00400f2ea8d6fe51', NULL, '{}', x'01', x'02');
ALTER TABLE consents ADD COLUMN registration TEXT;
ALTER TABLE consents ADD COLUMN resources TEXT NOT NULL DEFAULT '[]';
CREATE INDEX grants_user_client ON grants (user, client, forget_at);
CREATE TABLE user_claims (
    user       TEXT PRIMARY KEY,
    claims     TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
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
CREATE TABLE checkpoints (
    number INTEGER PRIMARY KEY, -- 1, 2, 3 and so on
    seq    INTEGER NOT NULL,    -- the last event that it is about
    jws    TEXT NOT NULL,
    key    TEXT NOT NULL        -- the thumbprint of the key that signed it
) STRICT;
CREATE INDEX checkpoints_seq ON checkpoints (seq);
CREATE TABLE checkpoint_keys (
    thumbprint TEXT PRIMARY KEY,
    jwk        TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE webhooks (
    id       TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    record   TEXT NOT NULL -- JSON
) STRICT, WITHOUT ROWID;
CREATE TABLE webhook_cursor (
    name TEXT PRIMARY KEY CHECK (name = 'cursor'),
    seq  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE webhook_queues (
    webhook      TEXT PRIMARY KEY,
    revision     INTEGER NOT NULL,
    due_at       INTEGER, -- NULL: nothing waits
    rest_until   INTEGER NOT NULL,
    leased_until INTEGER NOT NULL,
    lease        INTEGER NOT NULL,
    failures     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_queues_due_at ON webhook_queues (due_at) WHERE due_at IS NOT NULL;
CREATE TABLE webhook_deliveries (
    webhook    TEXT NOT NULL,
    event      BLOB NOT NULL,
    revision   INTEGER NOT NULL,
    seq        INTEGER NOT NULL, -- of the event
    kind       TEXT NOT NULL,
    subject    TEXT NOT NULL,
    state      TEXT NOT NULL,
    due_at     INTEGER,          -- milliseconds since 1970; NULL: it does not wait
    created_at INTEGER NOT NULL, -- milliseconds since 1970
    expires_at INTEGER NOT NULL, -- milliseconds since 1970
    tries      INTEGER NOT NULL,
    attempts   TEXT NOT NULL,    -- JSON
    PRIMARY KEY (webhook, event)
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook, due_at, seq) WHERE due_at IS NOT NULL;
CREATE INDEX webhook_deliveries_subject ON webhook_deliveries (webhook, subject, seq) WHERE due_at IS NOT NULL;
CREATE INDEX webhook_deliveries_seq ON webhook_deliveries (webhook, seq);
CREATE INDEX webhook_deliveries_state ON webhook_deliveries (webhook, state, seq);
CREATE INDEX webhook_deliveries_expires_at ON webhook_deliveries (expires_at);
PRAGMA user_version = 13;
