CREATE TABLE account (
  user_id TEXT PRIMARY KEY, email TEXT NOT NULL, email_verified_at INTEGER, name TEXT NOT NULL, password_hash TEXT,
  epoch INTEGER NOT NULL DEFAULT 0, terms_accepted_at INTEGER NOT NULL, created_at INTEGER NOT NULL,
  wrapped_dek BLOB NOT NULL, totp BLOB, totp_step INTEGER, totp_pending BLOB,
  pending_email TEXT, pending_email_until INTEGER, pending_email_session TEXT,
  proofs INTEGER NOT NULL DEFAULT 0, mails INTEGER NOT NULL DEFAULT 0, resets INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE renounced (at INTEGER NOT NULL) STRICT;

CREATE TABLE memberships (
  org_id TEXT PRIMARY KEY, org_name TEXT NOT NULL, role TEXT NOT NULL, unmade INTEGER NOT NULL,
  created_at INTEGER NOT NULL, used_at INTEGER
) STRICT;

CREATE TABLE identities (
  provider TEXT PRIMARY KEY, issuer TEXT NOT NULL, subject TEXT NOT NULL, email TEXT, linked_at INTEGER NOT NULL
) STRICT;

CREATE TABLE recovery_codes (digest TEXT PRIMARY KEY) STRICT;

CREATE TABLE links (
  digest TEXT PRIMARY KEY, kind TEXT NOT NULL, email TEXT NOT NULL, org_id TEXT, session_id TEXT,
  attempts INTEGER NOT NULL DEFAULT 0, begun INTEGER NOT NULL DEFAULT 0, expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT, task TEXT NOT NULL, created_at INTEGER NOT NULL, due_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX outbox_by_time ON outbox (due_at);

CREATE TABLE audit (
  sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, at INTEGER NOT NULL, actor TEXT NOT NULL, ip TEXT NOT NULL,
  action TEXT NOT NULL, target TEXT NOT NULL, metadata TEXT NOT NULL, jurisdiction TEXT NOT NULL,
  request_id TEXT NOT NULL, hash TEXT NOT NULL, prev_hash TEXT NOT NULL
) STRICT
