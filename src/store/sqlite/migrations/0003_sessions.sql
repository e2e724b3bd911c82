-- Tokens whose auth_time lies before this second (since 1970) are refused.
ALTER TABLE users ADD COLUMN sessions_valid_from INTEGER NOT NULL DEFAULT 0;
