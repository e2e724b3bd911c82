CREATE TABLE assertions (
    name       BLOB PRIMARY KEY, -- a hash of the client's id and the jti
    expires_at INTEGER NOT NULL  -- milliseconds since 1970
) STRICT, WITHOUT ROWID;

CREATE INDEX assertions_expires_at ON assertions (expires_at);
