-- What a person put by on a card. How much is there is the ledger's (place 'wallet' of the card); each move is kept.
CREATE TABLE wallet_move (
  holder_id     UUID   NOT NULL,
  move_id       UUID   NOT NULL,
  card_id       UUID   NOT NULL,
  kind          TEXT NOT NULL CHECK (kind IN ('reload', 'spent', 'refunded', 'given_back')),
  -- Of what was spent or refunded: the purchase's step.
  step_id       UUID  ,
  amount_minor  BIGINT NOT NULL
    CHECK (amount_minor <> 0 AND (amount_minor > 0) = (kind IN ('reload', 'refunded'))),
  description   TEXT NOT NULL,
  moved_on      TEXT NOT NULL,
  moved_at      BIGINT NOT NULL,
  PRIMARY KEY (holder_id, move_id),
  CHECK ((step_id IS NOT NULL) = (kind IN ('spent', 'refunded'))),
  FOREIGN KEY (holder_id, card_id) REFERENCES card (holder_id, card_id)
);
CREATE INDEX wallet_move_by_card ON wallet_move (holder_id, card_id, moved_at);
CREATE UNIQUE INDEX wallet_move_by_step ON wallet_move (holder_id, step_id);
CREATE TRIGGER wallet_move_stays BEFORE UPDATE OR DELETE ON wallet_move
  FOR EACH ROW EXECUTE FUNCTION refuse_change();

ALTER TABLE card ADD COLUMN wallet_at_checkout BIGINT NOT NULL DEFAULT 0 CHECK (wallet_at_checkout IN (0, 1));
-- Of what was captured and refunded: what the wallet paid and got.
ALTER TABLE purchase ADD COLUMN wallet_minor BIGINT NOT NULL DEFAULT 0 CHECK (wallet_minor >= 0);
ALTER TABLE purchase ADD COLUMN wallet_refunded_minor BIGINT NOT NULL DEFAULT 0 CHECK (wallet_refunded_minor >= 0);
