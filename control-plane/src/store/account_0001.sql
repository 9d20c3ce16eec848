CREATE TABLE account (
  user_id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT NOT NULL, password_hash TEXT NOT NULL,
  terms_accepted_at INTEGER NOT NULL, created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE memberships (
  org_id TEXT PRIMARY KEY, org_name TEXT NOT NULL, role TEXT NOT NULL, created_at INTEGER NOT NULL
) STRICT
