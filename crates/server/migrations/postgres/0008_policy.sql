-- What restrains an account, and did: one open row at most for each reason.
CREATE TABLE restraint (
  holder_id  UUID    NOT NULL REFERENCES holder (holder_id),
  number     BIGINT NOT NULL CHECK (number > 0),
  reason     TEXT    NOT NULL,
  level      TEXT    NOT NULL,
  since      BIGINT NOT NULL,
  until      BIGINT,
  lifted_at  BIGINT,
  PRIMARY KEY (holder_id, number)
);
CREATE UNIQUE INDEX restraint_open ON restraint (holder_id, reason) WHERE lifted_at IS NULL;

-- Who a holder pays: since when they were approved, and when a payment to them left first.
CREATE TABLE payee (
  holder_id       UUID    NOT NULL REFERENCES holder (holder_id),
  biller_id       UUID    NOT NULL,
  added_at        BIGINT NOT NULL,
  established_at  BIGINT,
  PRIMARY KEY (holder_id, biller_id)
);
INSERT INTO payee (holder_id, biller_id, added_at, established_at)
  SELECT holder_id, biller_id, MIN(made_at),
         MIN(CASE WHEN state IN ('submitted', 'settled', 'final') THEN made_at END)
    FROM payment WHERE state NOT IN ('cancelled', 'rejected', 'failed', 'expired') GROUP BY holder_id, biller_id;

-- What the matrix decided: who had to approve ('none', 'device', 'passkey') and by when, what holds the payment and how
-- long, and the device that ordered it or changed it last.
ALTER TABLE payment ADD COLUMN approval TEXT NOT NULL DEFAULT 'none';
ALTER TABLE payment ADD COLUMN approve_by BIGINT;
ALTER TABLE payment ADD COLUMN hold_reason TEXT;
ALTER TABLE payment ADD COLUMN held_until BIGINT;
ALTER TABLE payment ADD COLUMN device_id UUID;
CREATE INDEX payment_by_made ON payment (holder_id, made_at);
CREATE INDEX payment_by_day ON payment (holder_id, process_on);
INSERT INTO payment_move (from_state, to_state) VALUES
  ('insufficient', 'held'), ('awaiting_approval', 'awaiting_approval');

-- A yes to exactly one payment as it was shown, by its digest. It is used once, when the money is set aside, and void
-- as soon as anything of it changes.
CREATE TABLE payment_approval (
  holder_id    UUID    NOT NULL,
  payment_id   UUID    NOT NULL,
  number       BIGINT NOT NULL CHECK (number > 0),
  digest       TEXT    NOT NULL,
  day          TEXT    NOT NULL,
  device_id    UUID    NOT NULL,
  passkey_id   UUID,
  approved_at  BIGINT NOT NULL,
  used_at      BIGINT,
  void_at      BIGINT,
  PRIMARY KEY (holder_id, payment_id, number),
  FOREIGN KEY (holder_id, payment_id) REFERENCES payment (holder_id, payment_id)
);
CREATE UNIQUE INDEX payment_approval_live ON payment_approval (holder_id, payment_id) WHERE void_at IS NULL;

-- The owner's own limits of what leaves without a passkey, and a raise that waits for its time.
CREATE TABLE pay_limit (
  holder_id           UUID    NOT NULL REFERENCES holder (holder_id),
  currency            TEXT    NOT NULL,
  payment_minor       BIGINT NOT NULL CHECK (payment_minor >= 0),
  day_minor           BIGINT NOT NULL CHECK (day_minor >= 0),
  next_payment_minor  BIGINT,
  next_day_minor      BIGINT,
  next_at             BIGINT,
  PRIMARY KEY (holder_id, currency)
);

-- When a passkey was shown last on this device.
ALTER TABLE device ADD COLUMN proved_at BIGINT;

-- Which version of the server's terms the holder accepted, and when.
ALTER TABLE holder ADD COLUMN terms_accepted TEXT;
ALTER TABLE holder ADD COLUMN terms_accepted_at BIGINT;
