-- Plans of served cards: what a purchase went on to, and how much of it is left.
CREATE TABLE card_plan (
  holder_id    UUID    NOT NULL,
  plan_id      UUID    NOT NULL,
  card_id      UUID    NOT NULL,
  purchase_id  UUID    NOT NULL,
  name         TEXT    NOT NULL,
  offer        TEXT    NOT NULL CHECK (offer IN ('equal_payments', 'deferred_interest')),
  months       BIGINT  NOT NULL CHECK (months > 0),
  opened_on    TEXT    NOT NULL,
  left_minor   BIGINT  NOT NULL DEFAULT 0 CHECK (left_minor >= 0),
  PRIMARY KEY (holder_id, plan_id),
  UNIQUE (holder_id, purchase_id),
  FOREIGN KEY (holder_id, card_id) REFERENCES card (holder_id, card_id),
  FOREIGN KEY (holder_id, purchase_id) REFERENCES purchase (holder_id, purchase_id)
);
CREATE INDEX card_plan_by_card ON card_plan (holder_id, card_id);

-- What moved on a plan, each once for its cause: a purchase's step, a payment, or the statement with which it ended.
CREATE TABLE card_plan_move (
  holder_id     UUID    NOT NULL,
  plan_id       UUID    NOT NULL,
  kind          TEXT    NOT NULL CHECK (kind IN ('planned', 'refund', 'payment', 'returned', 'landed')),
  cause_id      UUID    NOT NULL,
  card_id       UUID    NOT NULL,
  amount_minor  BIGINT  NOT NULL CHECK (amount_minor <> 0),
  moved_at      BIGINT  NOT NULL,
  PRIMARY KEY (holder_id, plan_id, kind, cause_id),
  FOREIGN KEY (holder_id, plan_id) REFERENCES card_plan (holder_id, plan_id)
);
CREATE INDEX card_plan_move_by_card ON card_plan_move (holder_id, card_id, moved_at);
CREATE TRIGGER card_plan_move_stays BEFORE UPDATE OR DELETE ON card_plan_move
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
