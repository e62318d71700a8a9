-- Statements of served cards, as they were made. `figures` is what the statement says, `lines` what stands on it;
-- amounts are what is owed.
CREATE TABLE statement (
  holder_id      UUID    NOT NULL,
  card_id        UUID    NOT NULL,
  number         BIGINT  NOT NULL CHECK (number > 0),
  statement_id   UUID    NOT NULL,
  first_on       TEXT    NOT NULL,
  closed_on      TEXT    NOT NULL,
  closed_at      BIGINT  NOT NULL,
  opening_minor  BIGINT  NOT NULL,
  closing_minor  BIGINT  NOT NULL,
  currency       TEXT    NOT NULL,
  figures        TEXT    NOT NULL,
  lines          TEXT    NOT NULL,
  made_at        BIGINT  NOT NULL,
  PRIMARY KEY (holder_id, card_id, number),
  UNIQUE (holder_id, card_id, closed_on),
  UNIQUE (holder_id, statement_id),
  FOREIGN KEY (holder_id, card_id) REFERENCES card (holder_id, card_id)
);
CREATE TRIGGER statement_stays BEFORE UPDATE OR DELETE ON statement
  FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Cards that are open already: the job finds out itself when their cycle closes.
INSERT INTO job (holder_id, kind, subject_id, due_at) SELECT holder_id, 'close', card_id, 0 FROM card;
