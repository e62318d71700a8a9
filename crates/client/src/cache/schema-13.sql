-- What was put by on served cards.
CREATE TABLE wallet (card BLOB PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
