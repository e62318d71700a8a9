-- Work that must happen, also after a crash: a job is taken for a while, and given up by deleting it or by a later
-- `due_at` in the transaction of its effect.
CREATE TABLE job (
  holder_id     BLOB   NOT NULL REFERENCES holder (holder_id),
  kind          TEXT   NOT NULL,
  subject_id    BLOB   NOT NULL,
  due_at        INTEGER NOT NULL,
  tries         INTEGER NOT NULL DEFAULT 0,
  leased_until  INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (holder_id, kind, subject_id)
) STRICT;
CREATE INDEX job_by_due ON job (due_at);

-- The account of each currency that payments leave from.
CREATE TABLE served_account (
  holder_id   BLOB NOT NULL REFERENCES holder (holder_id),
  currency    TEXT NOT NULL,
  account_id  BLOB NOT NULL,
  PRIMARY KEY (holder_id, currency)
) STRICT;

-- The double-entry ledger: each cause makes one entry, whose postings sum to zero and never change.
CREATE TABLE ledger_entry (
  holder_id   BLOB   NOT NULL REFERENCES holder (holder_id),
  entry_id    BLOB   NOT NULL,
  cause       TEXT   NOT NULL,
  subject_id  BLOB   NOT NULL,
  made_at     INTEGER NOT NULL,
  PRIMARY KEY (holder_id, entry_id),
  UNIQUE (holder_id, cause, subject_id)
) STRICT;
CREATE TABLE ledger_posting (
  holder_id     BLOB   NOT NULL,
  entry_id      BLOB   NOT NULL,
  position      INTEGER NOT NULL,
  account_id    BLOB   NOT NULL,
  place         TEXT   NOT NULL,
  amount_minor  INTEGER NOT NULL CHECK (amount_minor <> 0),
  currency      TEXT   NOT NULL,
  PRIMARY KEY (holder_id, entry_id, position),
  FOREIGN KEY (holder_id, entry_id) REFERENCES ledger_entry (holder_id, entry_id)
) STRICT;
CREATE TABLE place_balance (
  holder_id     BLOB   NOT NULL REFERENCES holder (holder_id),
  account_id    BLOB   NOT NULL,
  place         TEXT   NOT NULL,
  amount_minor  INTEGER NOT NULL,
  currency      TEXT   NOT NULL,
  PRIMARY KEY (holder_id, account_id, place),
  CHECK (amount_minor >= 0 OR place = 'outside')
) STRICT;

-- The only legal ways between payment states; '' is before the first. Every step of a payment names one of them.
CREATE TABLE payment_move (
  from_state  TEXT NOT NULL,
  to_state    TEXT NOT NULL,
  PRIMARY KEY (from_state, to_state)
) STRICT;
INSERT INTO payment_move (from_state, to_state) VALUES
  ('', 'awaiting_approval'), ('', 'scheduled'), ('', 'held'),
  ('awaiting_approval', 'scheduled'), ('awaiting_approval', 'held'), ('awaiting_approval', 'expired'),
  ('awaiting_approval', 'cancelled'),
  ('scheduled', 'held'), ('scheduled', 'awaiting_approval'), ('scheduled', 'cancelled'), ('scheduled', 'reserved'),
  ('scheduled', 'insufficient'),
  ('held', 'scheduled'), ('held', 'awaiting_approval'), ('held', 'cancelled'),
  ('insufficient', 'awaiting_approval'), ('insufficient', 'cancelled'), ('insufficient', 'reserved'),
  ('insufficient', 'insufficient'), ('insufficient', 'failed'),
  ('reserved', 'cancelled'), ('reserved', 'submitting'),
  ('submitting', 'submitted'), ('submitting', 'rejected'), ('submitting', 'unknown'),
  ('unknown', 'submitted'), ('unknown', 'rejected'), ('unknown', 'submitting'),
  ('submitted', 'settled'), ('submitted', 'returned'),
  ('settled', 'returned'), ('settled', 'final'),
  ('final', 'returned');

CREATE TABLE payment (
  holder_id       BLOB   NOT NULL REFERENCES holder (holder_id),
  payment_id      BLOB   NOT NULL,
  account_id      BLOB   NOT NULL,
  state           TEXT   NOT NULL,
  reason          TEXT,
  order_body      TEXT   NOT NULL,
  biller_id       BLOB   NOT NULL,
  amount_minor    INTEGER NOT NULL CHECK (amount_minor > 0),
  currency        TEXT   NOT NULL,
  process_on      TEXT   NOT NULL,
  cutoff_at       INTEGER NOT NULL,
  expected_by     TEXT   NOT NULL,
  rail            TEXT   NOT NULL,
  rail_key        TEXT   NOT NULL UNIQUE,
  rail_reference  TEXT,
  absent_reads    INTEGER NOT NULL DEFAULT 0,
  made_at         INTEGER NOT NULL,
  settled_at      INTEGER,
  PRIMARY KEY (holder_id, payment_id),
  UNIQUE (rail, rail_reference)
) STRICT;
CREATE INDEX payment_by_payee ON payment (holder_id, biller_id, made_at);

CREATE TABLE payment_step (
  holder_id   BLOB   NOT NULL,
  payment_id  BLOB   NOT NULL,
  position    INTEGER NOT NULL,
  from_state  TEXT   NOT NULL,
  to_state    TEXT   NOT NULL,
  reason      TEXT,
  made_at     INTEGER NOT NULL,
  PRIMARY KEY (holder_id, payment_id, position),
  FOREIGN KEY (holder_id, payment_id) REFERENCES payment (holder_id, payment_id),
  FOREIGN KEY (from_state, to_state) REFERENCES payment_move (from_state, to_state)
) STRICT;

-- What a rail reported, each once: settlements and returns. One that fits no payment, or another amount, waits for a
-- person (`matched` 0).
CREATE TABLE rail_record (
  rail           TEXT   NOT NULL,
  trace          TEXT   NOT NULL,
  holder_id      BLOB   NOT NULL,
  payment_id     BLOB   NOT NULL,
  kind           TEXT   NOT NULL,
  amount_minor   INTEGER NOT NULL,
  code           TEXT,
  matched        INTEGER NOT NULL,
  seen_at        INTEGER NOT NULL,
  PRIMARY KEY (rail, trace)
) STRICT;

-- The practice bank's own book, which knows nothing of holders.
CREATE TABLE sandbox_order (
  rail_key      TEXT   NOT NULL PRIMARY KEY,
  reference     TEXT   NOT NULL UNIQUE,
  amount_minor  INTEGER NOT NULL,
  currency      TEXT   NOT NULL,
  refused       TEXT,
  received_at   INTEGER NOT NULL,
  settles_at    INTEGER NOT NULL,
  returns_at    INTEGER
) STRICT;

-- Orders that the practice bank lost on the way, once each, when asked to.
CREATE TABLE sandbox_lost (
  rail_key  TEXT   NOT NULL PRIMARY KEY,
  lost_at   INTEGER NOT NULL
) STRICT;

-- What was booked is never changed or removed.
CREATE TRIGGER ledger_entry_update BEFORE UPDATE ON ledger_entry
BEGIN SELECT RAISE(ABORT, 'rows of ledger_entry never change'); END;
CREATE TRIGGER ledger_entry_delete BEFORE DELETE ON ledger_entry
BEGIN SELECT RAISE(ABORT, 'rows of ledger_entry never change'); END;
CREATE TRIGGER ledger_posting_update BEFORE UPDATE ON ledger_posting
BEGIN SELECT RAISE(ABORT, 'rows of ledger_posting never change'); END;
CREATE TRIGGER ledger_posting_delete BEFORE DELETE ON ledger_posting
BEGIN SELECT RAISE(ABORT, 'rows of ledger_posting never change'); END;
CREATE TRIGGER payment_step_update BEFORE UPDATE ON payment_step
BEGIN SELECT RAISE(ABORT, 'rows of payment_step never change'); END;
CREATE TRIGGER payment_step_delete BEFORE DELETE ON payment_step
BEGIN SELECT RAISE(ABORT, 'rows of payment_step never change'); END;
