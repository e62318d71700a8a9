-- Which bills are paid by themselves, and on what terms.
CREATE TABLE autopay (bill BLOB PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
