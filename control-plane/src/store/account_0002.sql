ALTER TABLE account ADD COLUMN checked_in_at INTEGER
