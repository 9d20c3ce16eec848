ALTER TABLE sources ADD COLUMN awaiting_handshake INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sources ADD COLUMN has_verification_token INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sources ADD COLUMN url TEXT;
ALTER TABLE sources ADD COLUMN scheme TEXT;
ALTER TABLE sources ADD COLUMN paused_at INTEGER;
ALTER TABLE sources ADD COLUMN rejected_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sources ADD COLUMN last_rejected_at INTEGER;
ALTER TABLE sources ADD COLUMN failures_since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sources ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sources ADD COLUMN failures_before INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sources ADD COLUMN alerting_since INTEGER;
ALTER TABLE sources ADD COLUMN alerting_until INTEGER;

CREATE TABLE source_secrets (
  id INTEGER PRIMARY KEY, source_id TEXT NOT NULL, sealed BLOB NOT NULL, ends_at INTEGER NOT NULL
) STRICT;
CREATE INDEX source_secrets_by_source ON source_secrets (source_id);

CREATE TABLE rejections (
  id INTEGER PRIMARY KEY, source_id TEXT NOT NULL, at INTEGER NOT NULL, code TEXT NOT NULL, reason TEXT NOT NULL,
  ip TEXT NOT NULL, user_agent TEXT NOT NULL, count INTEGER NOT NULL
) STRICT;
CREATE INDEX rejections_by_source ON rejections (source_id);
CREATE INDEX rejections_by_age ON rejections (at);

CREATE INDEX inbound_events_by_type ON inbound_events (source_id, event_type);
CREATE INDEX inbound_events_of_type ON inbound_events (event_type);

ALTER TABLE endpoints ADD COLUMN customer_id TEXT;
ALTER TABLE endpoints ADD COLUMN ordered INTEGER NOT NULL DEFAULT 0;
ALTER TABLE endpoints ADD COLUMN header_names TEXT NOT NULL DEFAULT '[]';
ALTER TABLE endpoints ADD COLUMN rate_limit TEXT;
ALTER TABLE endpoints ADD COLUMN tat INTEGER NOT NULL DEFAULT 0;
ALTER TABLE endpoints ADD COLUMN signature TEXT NOT NULL DEFAULT 'v1';
ALTER TABLE endpoints ADD COLUMN failing_since INTEGER;
ALTER TABLE endpoints ADD COLUMN disabled_at INTEGER;
ALTER TABLE endpoints ADD COLUMN disabled_reason TEXT;
ALTER TABLE endpoints ADD COLUMN told_at INTEGER;
CREATE INDEX endpoints_by_customer ON endpoints (customer_id);

CREATE TABLE endpoint_sources (
  source_id TEXT NOT NULL, endpoint_id TEXT NOT NULL, PRIMARY KEY (source_id, endpoint_id)
) STRICT;
CREATE INDEX endpoint_sources_by_endpoint ON endpoint_sources (endpoint_id);

CREATE TABLE endpoint_secrets (
  endpoint_id TEXT PRIMARY KEY, allowed_hosts TEXT NOT NULL, sealed BLOB NOT NULL, ends_at INTEGER NOT NULL
) STRICT;

CREATE TABLE endpoint_urls (
  endpoint_id TEXT PRIMARY KEY, allowed_hosts TEXT NOT NULL, sealed BLOB NOT NULL
) STRICT;

CREATE TABLE endpoint_headers (
  endpoint_id TEXT PRIMARY KEY, allowed_hosts TEXT NOT NULL, sealed BLOB NOT NULL
) STRICT;

DROP TABLE messages;
CREATE TABLE messages (
  id TEXT PRIMARY KEY, event_type TEXT NOT NULL, customer_id TEXT, inbound_event_id TEXT UNIQUE, size INTEGER NOT NULL,
  created_at INTEGER NOT NULL, sealed BLOB NOT NULL
) STRICT;
CREATE INDEX messages_by_age ON messages (created_at);
CREATE INDEX messages_by_customer ON messages (customer_id);

DROP TABLE deliveries;
CREATE TABLE deliveries (
  message_id TEXT NOT NULL, endpoint_id TEXT NOT NULL, lane TEXT NOT NULL, status TEXT NOT NULL, reason TEXT,
  attempts INTEGER NOT NULL DEFAULT 0, step INTEGER NOT NULL DEFAULT 0, due_at INTEGER, http_status INTEGER,
  PRIMARY KEY (message_id, endpoint_id)
) STRICT;
CREATE INDEX deliveries_by_endpoint ON deliveries (endpoint_id);
CREATE INDEX deliveries_by_status ON deliveries (endpoint_id, status);
CREATE INDEX deliveries_by_lane ON deliveries (endpoint_id, lane, due_at) WHERE status = 'pending';
CREATE INDEX deliveries_forwarded ON deliveries (status) WHERE lane <> '';
CREATE INDEX deliveries_due ON deliveries (endpoint_id, due_at) WHERE due_at IS NOT NULL;

CREATE TABLE attempts (
  id TEXT PRIMARY KEY, message_id TEXT NOT NULL, endpoint_id TEXT NOT NULL, at INTEGER NOT NULL, number INTEGER NOT NULL,
  status TEXT NOT NULL, http_status INTEGER, duration_ms INTEGER, error TEXT, response TEXT
) STRICT;
CREATE INDEX attempts_by_message ON attempts (message_id);
CREATE INDEX attempts_by_endpoint ON attempts (endpoint_id);
CREATE INDEX attempts_by_age ON attempts (at);
CREATE INDEX attempts_under_way ON attempts (status) WHERE status = 'sending';

CREATE TABLE event_types (
  name TEXT PRIMARY KEY, description TEXT NOT NULL, schema TEXT, example TEXT, updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE portal_links (
  id TEXT PRIMARY KEY, digest TEXT NOT NULL UNIQUE, customer_id TEXT NOT NULL, created_by TEXT NOT NULL,
  created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX portal_links_by_age ON portal_links (expires_at);

CREATE TABLE secret_holders (
  secret TEXT NOT NULL, holder TEXT NOT NULL, PRIMARY KEY (secret, holder)
) STRICT;
CREATE INDEX secret_holders_by_holder ON secret_holders (holder)
