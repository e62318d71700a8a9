-- What was answered to suggestions, on any device. The suggestions themselves are worked out from the transactions.
CREATE TABLE suggestion_answer (id BLOB PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
