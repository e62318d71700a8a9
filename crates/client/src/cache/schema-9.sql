-- What payments may be drawn from: what is left of a number. The numbers themselves are nowhere.
CREATE TABLE method (id BLOB PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
