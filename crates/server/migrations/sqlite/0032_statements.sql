-- Statements of served cards, as they were made. `figures` is what the statement says, `lines` what stands on it;
-- amounts are what is owed.
CREATE TABLE statement (
  holder_id      BLOB    NOT NULL,
  card_id        BLOB    NOT NULL,
  number         INTEGER NOT NULL CHECK (number > 0),
  statement_id   BLOB    NOT NULL,
  first_on       TEXT    NOT NULL,
  closed_on      TEXT    NOT NULL,
  closed_at      INTEGER NOT NULL,
  opening_minor  INTEGER NOT NULL,
  closing_minor  INTEGER NOT NULL,
  currency       TEXT    NOT NULL,
  figures        TEXT    NOT NULL,
  lines          TEXT    NOT NULL,
  made_at        INTEGER NOT NULL,
  PRIMARY KEY (holder_id, card_id, number),
  UNIQUE (holder_id, card_id, closed_on),
  UNIQUE (holder_id, statement_id),
  FOREIGN KEY (holder_id, card_id) REFERENCES card (holder_id, card_id)
) STRICT;
CREATE TRIGGER statement_update BEFORE UPDATE ON statement
BEGIN SELECT RAISE(ABORT, 'rows of statement never change'); END;
CREATE TRIGGER statement_delete BEFORE DELETE ON statement
BEGIN SELECT RAISE(ABORT, 'rows of statement never change'); END;

-- Cards that are open already: the job finds out itself when their cycle closes.
INSERT INTO job (holder_id, kind, subject_id, due_at) SELECT holder_id, 'close', card_id, 0 FROM card;
