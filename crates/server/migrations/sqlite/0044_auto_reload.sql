-- Wallets that are reloaded by themselves: the terms that their person said yes to, and where that was begun.
CREATE TABLE auto_reload (
  holder_id         BLOB    NOT NULL,
  card_id           BLOB    NOT NULL,
  below_minor       INTEGER NOT NULL CHECK (below_minor > 0),
  amount_minor      INTEGER NOT NULL CHECK (amount_minor >= below_minor),
  month_most_minor  INTEGER NOT NULL CHECK (month_most_minor >= amount_minor),
  device_id         BLOB    NOT NULL,
  set_at            INTEGER NOT NULL,
  -- While it was to be reloaded and was not: when that is looked at again, and why the card does not take it.
  waits_until       INTEGER,
  declined          TEXT,
  PRIMARY KEY (holder_id, card_id),
  CHECK (waits_until IS NOT NULL OR declined IS NULL),
  FOREIGN KEY (holder_id, card_id) REFERENCES card (holder_id, card_id)
) STRICT;

-- Of a reload that happened by itself: what there was to spend, and what that was below.
ALTER TABLE wallet_move ADD COLUMN had_minor INTEGER CHECK (had_minor >= 0);
ALTER TABLE wallet_move ADD COLUMN below_minor INTEGER
  CHECK ((below_minor IS NULL) = (had_minor IS NULL) AND (below_minor IS NULL OR (kind = 'reload' AND below_minor > had_minor)));
