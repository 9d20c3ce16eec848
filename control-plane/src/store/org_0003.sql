ALTER TABLE org ADD COLUMN old_wrapped_dek BLOB;
ALTER TABLE org ADD COLUMN dek_rotated_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE org ADD COLUMN resealing TEXT;
ALTER TABLE org ADD COLUMN checked_in_at INTEGER;

ALTER TABLE connections ADD COLUMN parameters TEXT NOT NULL DEFAULT '{}';
ALTER TABLE connections ADD COLUMN status TEXT NOT NULL DEFAULT 'active';
ALTER TABLE connections ADD COLUMN status_reason TEXT;
ALTER TABLE connections ADD COLUMN scopes TEXT NOT NULL DEFAULT '[]';
ALTER TABLE connections ADD COLUMN missing_scopes TEXT NOT NULL DEFAULT '[]';
ALTER TABLE connections ADD COLUMN allow_writable_role INTEGER NOT NULL DEFAULT 0;
ALTER TABLE connections ADD COLUMN generation INTEGER NOT NULL DEFAULT 1;
ALTER TABLE connections ADD COLUMN client_id TEXT;
ALTER TABLE connections ADD COLUMN refreshed_at INTEGER;
ALTER TABLE connections ADD COLUMN refresh_begun_at INTEGER;
ALTER TABLE connections ADD COLUMN refresh_retry_at INTEGER;
ALTER TABLE connections ADD COLUMN refresh_failures INTEGER NOT NULL DEFAULT 0;

CREATE TABLE authorizations (
  digest TEXT PRIMARY KEY, connection_id TEXT NOT NULL, session_id TEXT NOT NULL, client_id TEXT NOT NULL,
  sealed BLOB NOT NULL, redirect_uri TEXT NOT NULL, scopes TEXT NOT NULL, return_to TEXT, created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX authorizations_by_age ON authorizations (created_at);

CREATE TABLE oauth_clients (
  connector TEXT PRIMARY KEY, client_id TEXT NOT NULL, sealed BLOB NOT NULL, updated_by TEXT NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE receipts (
  connection_id TEXT PRIMARY KEY, connector TEXT NOT NULL, name TEXT NOT NULL, parameters TEXT NOT NULL,
  allowed_hosts TEXT NOT NULL, client_id TEXT, sealed BLOB NOT NULL, revocation TEXT NOT NULL,
  disconnected_at INTEGER NOT NULL, deleted_at INTEGER, endpoint TEXT, http_status INTEGER, attempted_at INTEGER,
  attempts INTEGER NOT NULL DEFAULT 0, refresh_begun_at INTEGER, detail TEXT
) STRICT;

CREATE TABLE endpoints (
  id TEXT PRIMARY KEY, url TEXT NOT NULL, allowed_hosts TEXT NOT NULL, event_types TEXT NOT NULL,
  description TEXT NOT NULL, sealed BLOB NOT NULL, created_by TEXT NOT NULL, created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE messages (
  id TEXT PRIMARY KEY, event_type TEXT NOT NULL, payload TEXT NOT NULL, created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX messages_by_age ON messages (created_at);

CREATE TABLE deliveries (
  message_id TEXT NOT NULL, endpoint_id TEXT NOT NULL, status TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
  due_at INTEGER, http_status INTEGER, PRIMARY KEY (message_id, endpoint_id)
) STRICT;
CREATE INDEX deliveries_by_endpoint ON deliveries (endpoint_id);
CREATE INDEX deliveries_due ON deliveries (endpoint_id, due_at) WHERE due_at IS NOT NULL;

CREATE TABLE tombstone (
  id TEXT PRIMARY KEY, deleted_at INTEGER NOT NULL, certificate TEXT NOT NULL
) STRICT
