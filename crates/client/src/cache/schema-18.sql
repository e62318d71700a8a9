-- Each move of the wallets of served cards, as the server told them.
CREATE TABLE wallet_move (id BLOB PRIMARY KEY, card BLOB NOT NULL, moved_at INTEGER NOT NULL, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX wallet_move_by_card ON wallet_move (card, moved_at);
