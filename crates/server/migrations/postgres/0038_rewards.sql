-- What a charge on a card earned, and what became of that. A point is one minor unit of the card's currency.
CREATE TABLE reward (
  holder_id       UUID    NOT NULL,
  step_id         UUID    NOT NULL,
  purchase_id     UUID,
  card_id         UUID    NOT NULL,
  description     TEXT    NOT NULL,
  currency        TEXT    NOT NULL,
  charged_minor   BIGINT NOT NULL CHECK (charged_minor > 0),
  earned_minor    BIGINT NOT NULL CHECK (earned_minor > 0),
  redeemed_minor  BIGINT NOT NULL DEFAULT 0 CHECK (redeemed_minor BETWEEN 0 AND earned_minor),
  clawed_minor    BIGINT NOT NULL DEFAULT 0 CHECK (clawed_minor BETWEEN 0 AND earned_minor),
  given_minor     BIGINT NOT NULL DEFAULT 0 CHECK (given_minor BETWEEN 0 AND earned_minor),
  covered_minor   BIGINT NOT NULL DEFAULT 0 CHECK (covered_minor BETWEEN 0 AND earned_minor),
  lapsed_minor    BIGINT NOT NULL DEFAULT 0 CHECK (lapsed_minor BETWEEN 0 AND earned_minor),
  charged_on      TEXT    NOT NULL,
  available_on    TEXT    NOT NULL,
  good_through    TEXT    NOT NULL,
  earned_at       BIGINT NOT NULL,
  PRIMARY KEY (holder_id, step_id),
  FOREIGN KEY (holder_id, card_id) REFERENCES card (holder_id, card_id),
  FOREIGN KEY (holder_id, purchase_id) REFERENCES purchase (holder_id, purchase_id),
  -- Used is only what is there: nothing but a refund takes more than is left.
  CHECK (redeemed_minor + given_minor + lapsed_minor <= earned_minor + covered_minor)
);
CREATE INDEX reward_by_purchase ON reward (holder_id, purchase_id);
CREATE INDEX reward_by_time ON reward (holder_id, card_id, earned_at);
-- What may count for a card: all of which something is left, or owed.
CREATE INDEX reward_open ON reward (holder_id, card_id, good_through)
  WHERE earned_minor + covered_minor <> redeemed_minor + clawed_minor + given_minor + lapsed_minor;

-- What moved of which reward, each once for its cause: a use, a purchase's step, or the statement with which it ended.
CREATE TABLE reward_move (
  holder_id     UUID    NOT NULL,
  step_id       UUID    NOT NULL,
  kind          TEXT    NOT NULL CHECK (kind IN ('redeemed', 'clawed_back', 'given', 'covered', 'lapsed')),
  cause_id      UUID    NOT NULL,
  card_id       UUID    NOT NULL,
  amount_minor  BIGINT NOT NULL CHECK (amount_minor > 0),
  moved_at      BIGINT NOT NULL,
  PRIMARY KEY (holder_id, step_id, kind, cause_id),
  FOREIGN KEY (holder_id, step_id) REFERENCES reward (holder_id, step_id)
);
CREATE INDEX reward_move_by_card ON reward_move (holder_id, card_id, moved_at);
CREATE INDEX reward_move_by_cause ON reward_move (holder_id, cause_id);
CREATE TRIGGER reward_move_stays BEFORE UPDATE OR DELETE ON reward_move
  FOR EACH ROW EXECUTE FUNCTION refuse_change();

ALTER TABLE card ADD COLUMN rewards_at_checkout BIGINT NOT NULL DEFAULT 0 CHECK (rewards_at_checkout IN (0, 1));
ALTER TABLE purchase ADD COLUMN category TEXT NOT NULL DEFAULT 'other'
  CHECK (category IN ('groceries', 'fuel', 'travel', 'other'));
