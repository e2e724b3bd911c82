-- A consent is one to a registration of a client, and names the audiences of access tokens (JSON). An older one counts for no
-- client that has a registration: its user is asked once more.
ALTER TABLE consents ADD COLUMN registration TEXT;
ALTER TABLE consents ADD COLUMN resources TEXT NOT NULL DEFAULT '[]';

-- The grants of a user to a client that have not expired: those that have expired wait for the purge, and can be many.
CREATE INDEX grants_user_client ON grants (user, client, forget_at);
