-- A database as the program of version 1 of the tables left it.
CREATE TABLE users (
    id            TEXT PRIMARY KEY,
    username      TEXT NOT NULL UNIQUE,
    email         TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO users (id, username, email, password_hash, created_at, updated_at) VALUES
    ('6b04cb1f00400f2ea8d6fe51', 'admin', 'ada@example.com', '$2b$04$one', 1795476255975, 1795476255976),
    ('6b04cb1f00400f2ea8d6fe52', 'Admin', 'renée@example.com', '$2b$04$two', 1795476255975, 1795476255976),
    ('6b04cb1f00400f2ea8d6fe53', 'аdmin', 'renée@example.com', '$2b$04$three', 1795476255975, 1795476255976),
    ('6b04cb1f00400f2ea8d6fe54', 'Grace', 'grace@example.com', '$2b$04$four', 1795476255975, 1795476255976);
PRAGMA user_version = 1;
