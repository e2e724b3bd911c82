-- Endpoints for webhooks.
CREATE TABLE webhooks (
    id       TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    record   TEXT NOT NULL -- JSON
) STRICT, WITHOUT ROWID;

-- The number of the last event for which deliveries were made: one row, or none before the first delivery.
CREATE TABLE webhook_cursor (
    name TEXT PRIMARY KEY CHECK (name = 'cursor'),
    seq  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One row for each endpoint with deliveries. Instants are milliseconds since 1970.
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
