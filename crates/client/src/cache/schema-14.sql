-- Charges of served cards that the person says are wrong.
CREATE TABLE dispute (id BLOB PRIMARY KEY, card BLOB NOT NULL, opened_at INTEGER NOT NULL, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
