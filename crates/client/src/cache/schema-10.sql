-- Billers that the person added; the signed directory stands beside them.
CREATE TABLE own_biller (id BLOB PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
