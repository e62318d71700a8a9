-- Bills that are paid by themselves: the terms, what was said yes to, and where.
CREATE TABLE autopay (
  holder_id  UUID    NOT NULL REFERENCES holder (holder_id),
  bill_id    UUID    NOT NULL,
  body       TEXT    NOT NULL,
  state      TEXT    NOT NULL CHECK (state IN ('on', 'paused', 'failing', 'changed')),
  method_id  UUID,
  digest     TEXT    NOT NULL,
  device_id  UUID    NOT NULL,
  set_at     BIGINT  NOT NULL,
  PRIMARY KEY (holder_id, bill_id)
);

-- The one payment of each due date. When its day comes, the yes that it leaves on and the cap of that yes are noted.
CREATE TABLE autopay_run (
  holder_id   UUID    NOT NULL,
  bill_id     UUID    NOT NULL,
  due_on      TEXT    NOT NULL,
  payment_id  UUID    NOT NULL,
  made_at     BIGINT  NOT NULL,
  digest      TEXT,
  cap_minor   BIGINT,
  PRIMARY KEY (holder_id, bill_id, due_on),
  FOREIGN KEY (holder_id, payment_id) REFERENCES payment (holder_id, payment_id)
);
CREATE UNIQUE INDEX autopay_run_payment ON autopay_run (holder_id, payment_id);
