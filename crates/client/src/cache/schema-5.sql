-- Pay that comes again and again. What is wanted of the plan stands in `state`.
CREATE TABLE income (id BLOB PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
