-- A payment method pays in any currency, so a place of its ledger holds each by itself.
CREATE TABLE place_balance_next (
  holder_id     BLOB   NOT NULL REFERENCES holder (holder_id),
  account_id    BLOB   NOT NULL,
  place         TEXT   NOT NULL,
  amount_minor  INTEGER NOT NULL,
  currency      TEXT   NOT NULL,
  PRIMARY KEY (holder_id, account_id, place, currency),
  CHECK (amount_minor >= 0 OR place IN ('outside', 'owed'))
) STRICT;
INSERT INTO place_balance_next SELECT holder_id, account_id, place, amount_minor, currency FROM place_balance;
DROP TABLE place_balance;
ALTER TABLE place_balance_next RENAME TO place_balance;
