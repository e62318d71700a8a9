-- What charges on served cards earned, and what became of that.
CREATE TABLE reward (charge BLOB PRIMARY KEY, charged_on TEXT NOT NULL, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
