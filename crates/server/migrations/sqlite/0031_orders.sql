-- Orders as merchants tell of them: the newest revision alone.
CREATE TABLE merchant_order (
  holder_id    BLOB    NOT NULL,
  order_id     BLOB    NOT NULL,
  merchant_id  BLOB    NOT NULL REFERENCES merchant (merchant_id),
  purchase_id  BLOB    NOT NULL,
  revision     INTEGER NOT NULL CHECK (revision >= 0),
  body         TEXT    NOT NULL,
  changed_at   INTEGER NOT NULL,
  PRIMARY KEY (holder_id, order_id),
  FOREIGN KEY (holder_id, purchase_id) REFERENCES purchase (holder_id, purchase_id)
) STRICT;
CREATE INDEX merchant_order_by_purchase ON merchant_order (holder_id, purchase_id);

-- Which capture or refund an order names for a parcel; each belongs to one order.
CREATE TABLE merchant_order_step (
  holder_id  BLOB NOT NULL,
  step_id    BLOB NOT NULL,
  order_id   BLOB NOT NULL,
  PRIMARY KEY (holder_id, step_id),
  FOREIGN KEY (holder_id, step_id) REFERENCES purchase_step (holder_id, step_id),
  FOREIGN KEY (holder_id, order_id) REFERENCES merchant_order (holder_id, order_id)
) STRICT;
CREATE INDEX merchant_order_step_by_order ON merchant_order_step (holder_id, order_id);

-- When its person said that a purchase was not theirs.
ALTER TABLE purchase ADD COLUMN disputed_at INTEGER;
CREATE INDEX purchase_disputed ON purchase (disputed_at) WHERE disputed_at IS NOT NULL;
