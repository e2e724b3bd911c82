CREATE TABLE login_throttles (
    account   TEXT PRIMARY KEY, -- a user's id, or a place that names without a user share
    revision  INTEGER NOT NULL,
    forget_at INTEGER,          -- milliseconds since 1970; NULL: only an operator ends it
    record    TEXT NOT NULL     -- JSON
) STRICT, WITHOUT ROWID;

CREATE INDEX login_throttles_forget_at ON login_throttles (forget_at) WHERE forget_at IS NOT NULL;
