-- Plans of served cards: what a purchase went on to, and how much of it is left.
CREATE TABLE card_plan (
  holder_id    BLOB    NOT NULL,
  plan_id      BLOB    NOT NULL,
  card_id      BLOB    NOT NULL,
  purchase_id  BLOB    NOT NULL,
  name         TEXT    NOT NULL,
  offer        TEXT    NOT NULL CHECK (offer IN ('equal_payments', 'deferred_interest')),
  months       INTEGER NOT NULL CHECK (months > 0),
  opened_on    TEXT    NOT NULL,
  left_minor   INTEGER NOT NULL DEFAULT 0 CHECK (left_minor >= 0),
  PRIMARY KEY (holder_id, plan_id),
  UNIQUE (holder_id, purchase_id),
  FOREIGN KEY (holder_id, card_id) REFERENCES card (holder_id, card_id),
  FOREIGN KEY (holder_id, purchase_id) REFERENCES purchase (holder_id, purchase_id)
) STRICT;
CREATE INDEX card_plan_by_card ON card_plan (holder_id, card_id);

-- What moved on a plan, each once for its cause: a purchase's step, a payment, or the statement with which it ended.
CREATE TABLE card_plan_move (
  holder_id     BLOB    NOT NULL,
  plan_id       BLOB    NOT NULL,
  kind          TEXT    NOT NULL CHECK (kind IN ('planned', 'refund', 'payment', 'returned', 'landed')),
  cause_id      BLOB    NOT NULL,
  card_id       BLOB    NOT NULL,
  amount_minor  INTEGER NOT NULL CHECK (amount_minor <> 0),
  moved_at      INTEGER NOT NULL,
  PRIMARY KEY (holder_id, plan_id, kind, cause_id),
  FOREIGN KEY (holder_id, plan_id) REFERENCES card_plan (holder_id, plan_id)
) STRICT;
CREATE INDEX card_plan_move_by_card ON card_plan_move (holder_id, card_id, moved_at);
CREATE TRIGGER card_plan_move_update BEFORE UPDATE ON card_plan_move
BEGIN SELECT RAISE(ABORT, 'rows of card_plan_move never change'); END;
CREATE TRIGGER card_plan_move_delete BEFORE DELETE ON card_plan_move
BEGIN SELECT RAISE(ABORT, 'rows of card_plan_move never change'); END;
