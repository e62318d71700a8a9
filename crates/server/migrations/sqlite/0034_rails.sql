-- Where each rail that works by files stands: the numbers that its next file and its next order get, and until when one
-- node has the turn to work on it.
CREATE TABLE rail_book (
  rail           TEXT    NOT NULL PRIMARY KEY,
  next_batch     INTEGER NOT NULL,
  next_sequence  INTEGER NOT NULL,
  leased_until   INTEGER NOT NULL
) STRICT;

-- One file of orders: first closed, then written in full beside the outbox, then handed over. Its name and its bytes
-- follow from this row and the orders of the batch.
CREATE TABLE rail_batch (
  rail          TEXT    NOT NULL,
  batch         INTEGER NOT NULL,
  state         TEXT    NOT NULL CHECK (state IN ('closed', 'staged', 'handed', 'stuck')),
  file_name     TEXT    NOT NULL,
  made_at       INTEGER NOT NULL,
  of_day        INTEGER NOT NULL,
  effective_on  TEXT    NOT NULL,
  orders        INTEGER NOT NULL,
  digest        TEXT,
  handed_at     INTEGER,
  PRIMARY KEY (rail, batch),
  UNIQUE (rail, file_name)
) STRICT;

-- An order as its rail keeps it, known by its key: what was ordered, which file carries it, and what the bank said.
CREATE TABLE rail_order (
  rail             TEXT    NOT NULL,
  rail_key         TEXT    NOT NULL,
  biller_id        BLOB    NOT NULL,
  amount_minor     INTEGER NOT NULL CHECK (amount_minor > 0),
  currency         TEXT    NOT NULL,
  payer_name       TEXT    NOT NULL,
  payer_reference  TEXT,
  received_at      INTEGER NOT NULL,
  leaves_at        INTEGER NOT NULL,
  batch            INTEGER,
  sequence         INTEGER,
  trace            TEXT,
  accepted_at      INTEGER,
  refused_code     TEXT,
  settled_trace    TEXT,
  settled_at       INTEGER,
  returned_trace   TEXT,
  returned_code    TEXT,
  returned_at      INTEGER,
  PRIMARY KEY (rail, rail_key),
  UNIQUE (rail, batch, sequence)
) STRICT;
CREATE INDEX rail_order_by_trace ON rail_order (rail, trace);
CREATE INDEX rail_order_waiting ON rail_order (rail, leaves_at) WHERE batch IS NULL;

-- Every file that a bank sent, once, known by the digest of its bytes.
CREATE TABLE rail_file (
  rail        TEXT    NOT NULL,
  digest      TEXT    NOT NULL,
  name        TEXT    NOT NULL,
  seen_at     INTEGER NOT NULL,
  taken_at    INTEGER,
  records     INTEGER NOT NULL,
  exceptions  INTEGER NOT NULL,
  PRIMARY KEY (rail, digest)
) STRICT;

-- What fits nothing, or needs a person: it waits until somebody says what was done about it.
CREATE TABLE rail_exception (
  rail          TEXT    NOT NULL,
  number        INTEGER NOT NULL,
  about         TEXT    NOT NULL,
  kind          TEXT    NOT NULL,
  file_name     TEXT,
  line          INTEGER,
  code          TEXT,
  rail_key      TEXT,
  amount_minor  INTEGER,
  currency      TEXT,
  words         TEXT    NOT NULL,
  raised_at     INTEGER NOT NULL,
  due_on        TEXT    NOT NULL,
  resolved_at   INTEGER,
  note          TEXT,
  PRIMARY KEY (rail, number),
  UNIQUE (rail, about)
) STRICT;

-- Payees that nothing more goes to until a person lifted it: for one account, or (an id of zeros) for all of them.
CREATE TABLE rail_stop (
  rail       TEXT    NOT NULL,
  biller_id  BLOB    NOT NULL,
  holder_id  BLOB    NOT NULL,
  class      TEXT    NOT NULL,
  code       TEXT    NOT NULL,
  exception  INTEGER NOT NULL,
  since      INTEGER NOT NULL,
  lifted_at  INTEGER,
  PRIMARY KEY (rail, biller_id, holder_id, exception)
) STRICT;
