-- What was signed about the chain of events.
CREATE TABLE checkpoints (
    number INTEGER PRIMARY KEY, -- 1, 2, 3 and so on
    seq    INTEGER NOT NULL,    -- the last event that it is about
    jws    TEXT NOT NULL,
    key    TEXT NOT NULL        -- the thumbprint of the key that signed it
) STRICT;

CREATE INDEX checkpoints_seq ON checkpoints (seq);

-- The public halves of the keys that signed them, which the ring of keys forgets.
CREATE TABLE checkpoint_keys (
    thumbprint TEXT PRIMARY KEY,
    jwk        TEXT NOT NULL
) STRICT, WITHOUT ROWID;
