ALTER TABLE org ADD COLUMN next_plan TEXT;
ALTER TABLE org ADD COLUMN next_plan_at INTEGER;
ALTER TABLE org ADD COLUMN limits TEXT;

ALTER TABLE sessions ADD COLUMN authenticated_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN second_factor INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN operator INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN country TEXT;
ALTER TABLE sessions ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;

CREATE TABLE invitations (
  id TEXT PRIMARY KEY, email TEXT NOT NULL, role TEXT NOT NULL, invited_by TEXT NOT NULL, created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL, accepted_at INTEGER, revoked_at INTEGER, mail TEXT NOT NULL
) STRICT;

CREATE TABLE invitation_tokens (
  digest TEXT PRIMARY KEY, invitation_id TEXT NOT NULL
) STRICT;
CREATE INDEX invitation_tokens_by_invitation ON invitation_tokens (invitation_id);

ALTER TABLE api_keys ADD COLUMN allowed_ips TEXT;
ALTER TABLE api_keys ADD COLUMN external_id TEXT;
ALTER TABLE api_keys ADD COLUMN metadata TEXT;
ALTER TABLE api_keys ADD COLUMN used_ip TEXT;
CREATE INDEX api_keys_by_maker ON api_keys (created_by);

CREATE TABLE rotated_keys (
  lookup TEXT PRIMARY KEY, key_id TEXT NOT NULL, hash TEXT NOT NULL, ends_at INTEGER NOT NULL
) STRICT;
CREATE INDEX rotated_keys_by_key ON rotated_keys (key_id);

CREATE TABLE meters (
  cycle TEXT NOT NULL, meter TEXT NOT NULL, used INTEGER NOT NULL, PRIMARY KEY (cycle, meter)
) STRICT;

CREATE TABLE spent (
  subject TEXT PRIMARY KEY, whole_at INTEGER NOT NULL
) STRICT;

CREATE TABLE outbox (
  id INTEGER PRIMARY KEY, task TEXT NOT NULL, created_at INTEGER NOT NULL, due_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX outbox_by_time ON outbox (due_at)
