-- A purchase is disputed in parts, and again after a dispute of it was taken back.
CREATE TABLE dispute_next (
  holder_id       BLOB    NOT NULL,
  dispute_id      BLOB    NOT NULL,
  purchase_id     BLOB    NOT NULL,
  state           TEXT    NOT NULL
    CHECK (state IN ('open', 'acknowledged', 'for', 'against', 'withdrawn', 'refunded')),
  credited_minor  INTEGER NOT NULL CHECK (credited_minor >= 0),
  opened_at       INTEGER NOT NULL,
  body            TEXT    NOT NULL,
  PRIMARY KEY (holder_id, dispute_id),
  FOREIGN KEY (holder_id, purchase_id) REFERENCES purchase (holder_id, purchase_id)
) STRICT;
INSERT INTO dispute_next SELECT holder_id, dispute_id, purchase_id, state, credited_minor, opened_at, body FROM dispute;
DROP TABLE dispute;
ALTER TABLE dispute_next RENAME TO dispute;
CREATE INDEX dispute_open ON dispute (opened_at) WHERE state IN ('open', 'acknowledged');
CREATE INDEX dispute_by_purchase ON dispute (holder_id, purchase_id, opened_at);
