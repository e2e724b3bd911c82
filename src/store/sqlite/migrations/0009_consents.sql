-- A consent is one to a registration of a client, and names the audiences of access tokens (JSON). An older one counts for no
-- client that has a registration: its user is asked once more.
ALTER TABLE consents ADD COLUMN registration TEXT;
ALTER TABLE consents ADD COLUMN resources TEXT NOT NULL DEFAULT '[]';
