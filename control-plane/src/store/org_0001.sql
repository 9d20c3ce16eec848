CREATE TABLE org (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, region TEXT NOT NULL, plan TEXT NOT NULL,
  created_at INTEGER NOT NULL, wrapped_dek BLOB NOT NULL
) STRICT;

CREATE TABLE members (
  user_id TEXT PRIMARY KEY, email TEXT NOT NULL, name TEXT NOT NULL, role TEXT NOT NULL, created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
  id TEXT PRIMARY KEY, user_id TEXT NOT NULL, created_at INTEGER NOT NULL, seen_at INTEGER NOT NULL,
  ip TEXT NOT NULL, user_agent TEXT NOT NULL
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_id);

CREATE TABLE api_keys (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, lookup TEXT NOT NULL UNIQUE, hash TEXT NOT NULL, scopes TEXT NOT NULL,
  rate_limit TEXT, created_by TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER, revoked_at INTEGER,
  used_at INTEGER
) STRICT;

CREATE TABLE connections (
  id TEXT PRIMARY KEY, connector TEXT NOT NULL, name TEXT NOT NULL, base_url TEXT NOT NULL, auth_type TEXT NOT NULL,
  allowed_hosts TEXT NOT NULL, sealed BLOB NOT NULL, created_by TEXT NOT NULL, created_at INTEGER NOT NULL,
  used_at INTEGER
) STRICT;

CREATE TABLE sources (
  id TEXT PRIMARY KEY, provider TEXT NOT NULL, name TEXT NOT NULL, sealed BLOB NOT NULL, generation INTEGER NOT NULL,
  created_by TEXT NOT NULL, created_at INTEGER NOT NULL, event_count INTEGER NOT NULL DEFAULT 0, last_event_at INTEGER
) STRICT;

CREATE TABLE inbound_events (
  id TEXT PRIMARY KEY, source_id TEXT NOT NULL, provider TEXT NOT NULL, provider_event_id TEXT, event_type TEXT,
  dedupe_key TEXT NOT NULL, received_at INTEGER NOT NULL, duplicate_count INTEGER NOT NULL DEFAULT 0,
  size INTEGER NOT NULL, sealed BLOB NOT NULL, UNIQUE (source_id, dedupe_key)
) STRICT;
CREATE INDEX inbound_events_by_source ON inbound_events (source_id);
CREATE INDEX inbound_events_by_age ON inbound_events (received_at);

CREATE TABLE idempotency (
  key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, sealed BLOB NOT NULL, created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX idempotency_by_age ON idempotency (created_at);

CREATE TABLE audit (
  sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, at INTEGER NOT NULL, actor TEXT NOT NULL, ip TEXT NOT NULL,
  action TEXT NOT NULL, target TEXT NOT NULL, metadata TEXT NOT NULL, jurisdiction TEXT NOT NULL,
  request_id TEXT NOT NULL, hash TEXT NOT NULL, prev_hash TEXT NOT NULL
) STRICT
