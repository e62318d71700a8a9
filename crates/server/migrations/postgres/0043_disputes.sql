-- Charges that people say are wrong, each purchase once. `body` is what devices are told.
CREATE TABLE dispute (
  holder_id       UUID    NOT NULL,
  dispute_id      UUID    NOT NULL,
  purchase_id     UUID    NOT NULL,
  state           TEXT    NOT NULL
    CHECK (state IN ('open', 'acknowledged', 'for', 'against', 'withdrawn', 'refunded')),
  credited_minor  BIGINT  NOT NULL CHECK (credited_minor >= 0),
  opened_at       BIGINT  NOT NULL,
  body            TEXT    NOT NULL,
  PRIMARY KEY (holder_id, dispute_id),
  UNIQUE (holder_id, purchase_id),
  FOREIGN KEY (holder_id, purchase_id) REFERENCES purchase (holder_id, purchase_id)
);
CREATE INDEX dispute_open ON dispute (opened_at) WHERE state IN ('open', 'acknowledged');

-- When something of a purchase was captured first: a plan is chosen before the statement of that cycle closes.
ALTER TABLE purchase ADD COLUMN captured_at BIGINT;
UPDATE purchase SET captured_at = (SELECT MIN(s.made_at) FROM purchase_step s WHERE s.holder_id = purchase.holder_id
  AND s.purchase_id = purchase.purchase_id AND s.kind = 'capture');
