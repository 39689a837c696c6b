-- The identity server's tables. A record's JSON is in `body`; the other columns are what it is looked up by.
-- What must be unique is unique here: a look-up beforehand proves nothing when two requests arrive together.

CREATE TABLE IF NOT EXISTS settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS users (
    id TEXT PRIMARY KEY,
    username TEXT UNIQUE,
    external_id TEXT UNIQUE,
    created_at INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS email_addresses (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    address TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS email_addresses_by_user ON email_addresses (user_id, created_at, id);

CREATE TABLE IF NOT EXISTS password_hashes (
    user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    hash TEXT NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS clients (
    id TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;

-- What a browser shows to be a client: a cookie, or a dev-browser id, which exists before it has a client.
CREATE TABLE IF NOT EXISTS credentials (
    hash TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('cookie', 'dev_browser')),
    client_id TEXT REFERENCES clients (id) ON DELETE CASCADE,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS credentials_by_client ON credentials (client_id);
CREATE INDEX IF NOT EXISTS credentials_by_expiry ON credentials (expires_at);

CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    status TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS sessions_by_client ON sessions (client_id, status, created_at, id);
CREATE INDEX IF NOT EXISTS sessions_by_user ON sessions (user_id, status, created_at, id);

CREATE TABLE IF NOT EXISTS attempts (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    abandon_at INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS attempts_by_client ON attempts (client_id);
CREATE INDEX IF NOT EXISTS attempts_by_abandonment ON attempts (abandon_at);

CREATE TABLE IF NOT EXISTS signing_keys (
    id TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS profile_images (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    media_type TEXT NOT NULL,
    content BLOB NOT NULL
) STRICT;
