-- Finds the events of a kind. Without it, a look-up for a rare kind reads all events.
CREATE INDEX events_kind ON events (kind, seq) WHERE record IS NOT NULL;
