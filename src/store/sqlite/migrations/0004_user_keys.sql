-- What no two users share: src/domain/user_keys.rs.
ALTER TABLE users ADD COLUMN username_key TEXT; -- NULL for names that are not ASCII
ALTER TABLE users ADD COLUMN email_key TEXT;
ALTER TABLE users ADD COLUMN skeleton TEXT;       -- what the name looks like as it is written
ALTER TABLE users ADD COLUMN skeleton_lower TEXT; -- and in lower case

-- The user's own id where an older user had the same key when these columns were filled, so that both may stay.
ALTER TABLE users ADD COLUMN username_twin TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN email_twin TEXT NOT NULL DEFAULT '';

CREATE UNIQUE INDEX users_username_key ON users (username_key, username_twin) WHERE username_key IS NOT NULL;
CREATE UNIQUE INDEX users_email_key ON users (email_key, email_twin) WHERE email_key IS NOT NULL;
CREATE INDEX users_skeleton ON users (skeleton, username_key);
CREATE INDEX users_skeleton_lower ON users (skeleton_lower, username_key);
