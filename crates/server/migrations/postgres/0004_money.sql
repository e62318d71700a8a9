-- Work that must happen, also after a crash: a job is taken for a while, and given up by deleting it or by a later
-- `due_at` in the transaction of its effect.
CREATE TABLE job (
  holder_id     UUID   NOT NULL REFERENCES holder (holder_id),
  kind          TEXT   NOT NULL,
  subject_id    UUID   NOT NULL,
  due_at        BIGINT NOT NULL,
  tries         BIGINT NOT NULL DEFAULT 0,
  leased_until  BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (holder_id, kind, subject_id)
);
CREATE INDEX job_by_due ON job (due_at);

-- The account of each currency that payments leave from.
CREATE TABLE served_account (
  holder_id   UUID NOT NULL REFERENCES holder (holder_id),
  currency    TEXT NOT NULL,
  account_id  UUID NOT NULL,
  PRIMARY KEY (holder_id, currency)
);

-- The double-entry ledger: each cause makes one entry, whose postings sum to zero and never change.
CREATE TABLE ledger_entry (
  holder_id   UUID   NOT NULL REFERENCES holder (holder_id),
  entry_id    UUID   NOT NULL,
  cause       TEXT   NOT NULL,
  subject_id  UUID   NOT NULL,
  made_at     BIGINT NOT NULL,
  PRIMARY KEY (holder_id, entry_id),
  UNIQUE (holder_id, cause, subject_id)
);
CREATE TABLE ledger_posting (
  holder_id     UUID   NOT NULL,
  entry_id      UUID   NOT NULL,
  position      BIGINT NOT NULL,
  account_id    UUID   NOT NULL,
  place         TEXT   NOT NULL,
  amount_minor  BIGINT NOT NULL CHECK (amount_minor <> 0),
  currency      TEXT   NOT NULL,
  PRIMARY KEY (holder_id, entry_id, position),
  FOREIGN KEY (holder_id, entry_id) REFERENCES ledger_entry (holder_id, entry_id)
);
CREATE TABLE place_balance (
  holder_id     UUID   NOT NULL REFERENCES holder (holder_id),
  account_id    UUID   NOT NULL,
  place         TEXT   NOT NULL,
  amount_minor  BIGINT NOT NULL,
  currency      TEXT   NOT NULL,
  PRIMARY KEY (holder_id, account_id, place),
  CHECK (amount_minor >= 0 OR place = 'outside')
);

-- The only legal ways between payment states; '' is before the first. Every step of a payment names one of them.
CREATE TABLE payment_move (
  from_state  TEXT NOT NULL,
  to_state    TEXT NOT NULL,
  PRIMARY KEY (from_state, to_state)
);
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
  holder_id       UUID   NOT NULL REFERENCES holder (holder_id),
  payment_id      UUID   NOT NULL,
  account_id      UUID   NOT NULL,
  state           TEXT   NOT NULL,
  reason          TEXT,
  order_body      TEXT   NOT NULL,
  biller_id       UUID   NOT NULL,
  amount_minor    BIGINT NOT NULL CHECK (amount_minor > 0),
  currency        TEXT   NOT NULL,
  process_on      TEXT   NOT NULL,
  cutoff_at       BIGINT NOT NULL,
  expected_by     TEXT   NOT NULL,
  rail            TEXT   NOT NULL,
  rail_key        TEXT   NOT NULL UNIQUE,
  rail_reference  TEXT,
  absent_reads    BIGINT NOT NULL DEFAULT 0,
  made_at         BIGINT NOT NULL,
  settled_at      BIGINT,
  PRIMARY KEY (holder_id, payment_id),
  UNIQUE (rail, rail_reference)
);
CREATE INDEX payment_by_payee ON payment (holder_id, biller_id, made_at);

CREATE TABLE payment_step (
  holder_id   UUID   NOT NULL,
  payment_id  UUID   NOT NULL,
  position    BIGINT NOT NULL,
  from_state  TEXT   NOT NULL,
  to_state    TEXT   NOT NULL,
  reason      TEXT,
  made_at     BIGINT NOT NULL,
  PRIMARY KEY (holder_id, payment_id, position),
  FOREIGN KEY (holder_id, payment_id) REFERENCES payment (holder_id, payment_id),
  FOREIGN KEY (from_state, to_state) REFERENCES payment_move (from_state, to_state)
);

-- What a rail reported, each once: settlements and returns. One that fits no payment, or another amount, waits for a
-- person (`matched` 0).
CREATE TABLE rail_record (
  rail           TEXT   NOT NULL,
  trace          TEXT   NOT NULL,
  holder_id      UUID   NOT NULL,
  payment_id     UUID   NOT NULL,
  kind           TEXT   NOT NULL,
  amount_minor   BIGINT NOT NULL,
  code           TEXT,
  matched        BIGINT NOT NULL,
  seen_at        BIGINT NOT NULL,
  PRIMARY KEY (rail, trace)
);

-- The practice bank's own book, which knows nothing of holders.
CREATE TABLE sandbox_order (
  rail_key      TEXT   NOT NULL PRIMARY KEY,
  reference     TEXT   NOT NULL UNIQUE,
  amount_minor  BIGINT NOT NULL,
  currency      TEXT   NOT NULL,
  refused       TEXT,
  received_at   BIGINT NOT NULL,
  settles_at    BIGINT NOT NULL,
  returns_at    BIGINT
);

-- Orders that the practice bank lost on the way, once each, when asked to.
CREATE TABLE sandbox_lost (
  rail_key  TEXT   NOT NULL PRIMARY KEY,
  lost_at   BIGINT NOT NULL
);

-- What was booked is never changed or removed.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'rows of % never change', TG_TABLE_NAME;
END $$;
CREATE TRIGGER ledger_entry_stays BEFORE UPDATE OR DELETE ON ledger_entry
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_posting_stays BEFORE UPDATE OR DELETE ON ledger_posting
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER payment_step_stays BEFORE UPDATE OR DELETE ON payment_step
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
