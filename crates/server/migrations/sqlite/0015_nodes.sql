-- A server on SQLite is one node: it keeps used proofs in memory and shares none.

-- The latest moment that the server has written: a clock that stands before it was set back.
ALTER TABLE server_state ADD COLUMN seen_at INTEGER NOT NULL DEFAULT 0;
