-- Purchases on cards of the server, approved and declined.
CREATE TABLE purchase (id BLOB PRIMARY KEY, card BLOB NOT NULL, asked_at INTEGER NOT NULL, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX purchase_by_card ON purchase (card, asked_at);
