-- The address under which an account's calendar is read, as the hash of its secret, and what its owner wants in it.
CREATE TABLE calendar_feed (
  holder_id    BLOB    NOT NULL PRIMARY KEY REFERENCES holder (holder_id),
  secret_hash  BLOB    NOT NULL UNIQUE,
  amounts      INTEGER NOT NULL CHECK (amounts IN (0, 1)),
  remind_at    TEXT    NOT NULL,
  made_at      INTEGER NOT NULL,
  read_at      INTEGER
) STRICT;

-- What was published last of each due date. It outlives the address: an event's sequence only ever grows.
CREATE TABLE calendar_event (
  holder_id    BLOB    NOT NULL REFERENCES holder (holder_id),
  bill_id      BLOB    NOT NULL,
  due_on       TEXT    NOT NULL,
  sequence     INTEGER NOT NULL,
  changed_at   INTEGER NOT NULL,
  body         TEXT    NOT NULL,
  PRIMARY KEY (holder_id, bill_id, due_on)
) STRICT;
