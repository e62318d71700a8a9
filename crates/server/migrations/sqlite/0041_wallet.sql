-- What a person put by on a card. How much is there is the ledger's (place 'wallet' of the card); each move is kept.
CREATE TABLE wallet_move (
  holder_id     BLOB    NOT NULL,
  move_id       BLOB    NOT NULL,
  card_id       BLOB    NOT NULL,
  kind          TEXT NOT NULL CHECK (kind IN ('reload', 'spent', 'refunded', 'given_back')),
  -- Of what was spent or refunded: the purchase's step.
  step_id       BLOB   ,
  amount_minor  INTEGER NOT NULL
    CHECK (amount_minor <> 0 AND (amount_minor > 0) = (kind IN ('reload', 'refunded'))),
  description   TEXT NOT NULL,
  moved_on      TEXT NOT NULL,
  moved_at      INTEGER NOT NULL,
  PRIMARY KEY (holder_id, move_id),
  CHECK ((step_id IS NOT NULL) = (kind IN ('spent', 'refunded'))),
  FOREIGN KEY (holder_id, card_id) REFERENCES card (holder_id, card_id)
) STRICT;
CREATE INDEX wallet_move_by_card ON wallet_move (holder_id, card_id, moved_at);
CREATE UNIQUE INDEX wallet_move_by_step ON wallet_move (holder_id, step_id);
CREATE TRIGGER wallet_move_update BEFORE UPDATE ON wallet_move
BEGIN SELECT RAISE(ABORT, 'rows of wallet_move never change'); END;
CREATE TRIGGER wallet_move_delete BEFORE DELETE ON wallet_move
BEGIN SELECT RAISE(ABORT, 'rows of wallet_move never change'); END;

ALTER TABLE card ADD COLUMN wallet_at_checkout INTEGER NOT NULL DEFAULT 0 CHECK (wallet_at_checkout IN (0, 1));
-- Of what was captured and refunded: what the wallet paid and got.
ALTER TABLE purchase ADD COLUMN wallet_minor INTEGER NOT NULL DEFAULT 0 CHECK (wallet_minor >= 0);
ALTER TABLE purchase ADD COLUMN wallet_refunded_minor INTEGER NOT NULL DEFAULT 0 CHECK (wallet_refunded_minor >= 0);
