-- The address under which an account's calendar is read, as the hash of its secret, and what its owner wants in it.
CREATE TABLE calendar_feed (
  holder_id    UUID    NOT NULL PRIMARY KEY REFERENCES holder (holder_id),
  secret_hash  BYTEA   NOT NULL UNIQUE,
  amounts      BIGINT  NOT NULL CHECK (amounts IN (0, 1)),
  remind_at    TEXT    NOT NULL,
  made_at      BIGINT  NOT NULL,
  read_at      BIGINT
);

-- What was published last of each due date. It outlives the address: an event's sequence only ever grows.
CREATE TABLE calendar_event (
  holder_id    UUID    NOT NULL REFERENCES holder (holder_id),
  bill_id      UUID    NOT NULL,
  due_on       TEXT    NOT NULL,
  sequence     BIGINT  NOT NULL,
  changed_at   BIGINT  NOT NULL,
  body         TEXT    NOT NULL,
  PRIMARY KEY (holder_id, bill_id, due_on)
);
