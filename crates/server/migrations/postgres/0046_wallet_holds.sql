-- Of what is held of a purchase: reserved in the card's wallet (place 'wallet_held' of the ledger). What was approved before
-- is the card's alone.
ALTER TABLE purchase ADD COLUMN wallet_held_minor BIGINT NOT NULL DEFAULT 0
  CHECK (wallet_held_minor >= 0 AND wallet_held_minor <= amount_minor - captured_minor - released_minor);
