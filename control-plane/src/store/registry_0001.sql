CREATE TABLE members (
  id TEXT PRIMARY KEY, kek INTEGER, told INTEGER NOT NULL, registered_at INTEGER NOT NULL, due_at INTEGER,
  failures INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX members_by_kek ON members (kek);
CREATE INDEX members_by_time ON members (due_at);

CREATE TABLE rotation (
  id INTEGER PRIMARY KEY CHECK (id = 1), current INTEGER NOT NULL, started_at INTEGER NOT NULL, finished_at INTEGER,
  before TEXT NOT NULL
) STRICT
