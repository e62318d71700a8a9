-- Bills that are paid by themselves: the terms, what was said yes to, and where.
CREATE TABLE autopay (
  holder_id  BLOB    NOT NULL REFERENCES holder (holder_id),
  bill_id    BLOB    NOT NULL,
  body       TEXT    NOT NULL,
  state      TEXT    NOT NULL CHECK (state IN ('on', 'paused', 'failing', 'changed')),
  method_id  BLOB,
  digest     TEXT    NOT NULL,
  device_id  BLOB    NOT NULL,
  set_at     INTEGER NOT NULL,
  PRIMARY KEY (holder_id, bill_id)
) STRICT;

-- The one payment of each due date. When its day comes, the yes that it leaves on and the cap of that yes are noted.
CREATE TABLE autopay_run (
  holder_id   BLOB    NOT NULL,
  bill_id     BLOB    NOT NULL,
  due_on      TEXT    NOT NULL,
  payment_id  BLOB    NOT NULL,
  made_at     INTEGER NOT NULL,
  digest      TEXT,
  cap_minor   INTEGER,
  PRIMARY KEY (holder_id, bill_id, due_on),
  FOREIGN KEY (holder_id, payment_id) REFERENCES payment (holder_id, payment_id)
) STRICT;
CREATE UNIQUE INDEX autopay_run_payment ON autopay_run (holder_id, payment_id);
