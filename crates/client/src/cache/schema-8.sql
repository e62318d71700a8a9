-- Orders that merchants told of.
CREATE TABLE merchant_order (id BLOB PRIMARY KEY, placed_at INTEGER NOT NULL, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX merchant_order_by_day ON merchant_order (placed_at);
