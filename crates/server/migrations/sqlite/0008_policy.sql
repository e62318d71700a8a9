-- What restrains an account, and did: one open row at most for each reason.
CREATE TABLE restraint (
  holder_id  BLOB    NOT NULL REFERENCES holder (holder_id),
  number     INTEGER NOT NULL CHECK (number > 0),
  reason     TEXT    NOT NULL,
  level      TEXT    NOT NULL,
  since      INTEGER NOT NULL,
  until      INTEGER,
  lifted_at  INTEGER,
  PRIMARY KEY (holder_id, number)
) STRICT;
CREATE UNIQUE INDEX restraint_open ON restraint (holder_id, reason) WHERE lifted_at IS NULL;

-- Who a holder pays: since when they were approved, and when a payment to them left first.
CREATE TABLE payee (
  holder_id       BLOB    NOT NULL REFERENCES holder (holder_id),
  biller_id       BLOB    NOT NULL,
  added_at        INTEGER NOT NULL,
  established_at  INTEGER,
  PRIMARY KEY (holder_id, biller_id)
) STRICT;
INSERT INTO payee (holder_id, biller_id, added_at, established_at)
  SELECT holder_id, biller_id, MIN(made_at),
         MIN(CASE WHEN state IN ('submitted', 'settled', 'final') THEN made_at END)
    FROM payment WHERE state NOT IN ('cancelled', 'rejected', 'failed', 'expired') GROUP BY holder_id, biller_id;

-- What the matrix decided: who had to approve ('none', 'device', 'passkey') and by when, what holds the payment and how
-- long, and the device that ordered it or changed it last.
ALTER TABLE payment ADD COLUMN approval TEXT NOT NULL DEFAULT 'none';
ALTER TABLE payment ADD COLUMN approve_by INTEGER;
ALTER TABLE payment ADD COLUMN hold_reason TEXT;
ALTER TABLE payment ADD COLUMN held_until INTEGER;
ALTER TABLE payment ADD COLUMN device_id BLOB;
CREATE INDEX payment_by_made ON payment (holder_id, made_at);
CREATE INDEX payment_by_day ON payment (holder_id, process_on);
INSERT INTO payment_move (from_state, to_state) VALUES
  ('insufficient', 'held'), ('awaiting_approval', 'awaiting_approval');

-- A yes to exactly one payment as it was shown, by its digest. It is used once, when the money is set aside, and void
-- as soon as anything of it changes.
CREATE TABLE payment_approval (
  holder_id    BLOB    NOT NULL,
  payment_id   BLOB    NOT NULL,
  number       INTEGER NOT NULL CHECK (number > 0),
  digest       TEXT    NOT NULL,
  day          TEXT    NOT NULL,
  device_id    BLOB    NOT NULL,
  passkey_id   BLOB,
  approved_at  INTEGER NOT NULL,
  used_at      INTEGER,
  void_at      INTEGER,
  PRIMARY KEY (holder_id, payment_id, number),
  FOREIGN KEY (holder_id, payment_id) REFERENCES payment (holder_id, payment_id)
) STRICT;
CREATE UNIQUE INDEX payment_approval_live ON payment_approval (holder_id, payment_id) WHERE void_at IS NULL;

-- The owner's own limits of what leaves without a passkey, and a raise that waits for its time.
CREATE TABLE pay_limit (
  holder_id           BLOB    NOT NULL REFERENCES holder (holder_id),
  currency            TEXT    NOT NULL,
  payment_minor       INTEGER NOT NULL CHECK (payment_minor >= 0),
  day_minor           INTEGER NOT NULL CHECK (day_minor >= 0),
  next_payment_minor  INTEGER,
  next_day_minor      INTEGER,
  next_at             INTEGER,
  PRIMARY KEY (holder_id, currency)
) STRICT;

-- When a passkey was shown last on this device.
ALTER TABLE device ADD COLUMN proved_at INTEGER;

-- Which version of the server's terms the holder accepted, and when.
ALTER TABLE holder ADD COLUMN terms_accepted TEXT;
ALTER TABLE holder ADD COLUMN terms_accepted_at INTEGER;
