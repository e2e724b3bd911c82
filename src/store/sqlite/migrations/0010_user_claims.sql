-- The standard claims that an operator gave a user (JSON). A user without such claims has no row.
CREATE TABLE user_claims (
    user       TEXT PRIMARY KEY,
    claims     TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
