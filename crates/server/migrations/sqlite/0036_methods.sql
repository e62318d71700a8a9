-- Payment methods: what is left of a number after it was exchanged for a token. No number is ever here. 'typed' is one that
-- its person has not said yes to.
CREATE TABLE method (
  holder_id     BLOB NOT NULL REFERENCES holder (holder_id),
  method_id     BLOB NOT NULL,
  state         TEXT NOT NULL CHECK (state IN ('typed', 'live')),
  kind          TEXT NOT NULL CHECK (kind IN ('bank_account', 'card')),
  brand         TEXT NOT NULL,
  last_four     TEXT NOT NULL CHECK (length(last_four) = 4),
  expiry_year   INTEGER,
  expiry_month  INTEGER,
  token         TEXT NOT NULL,
  fingerprint   BLOB NOT NULL,
  is_default    INTEGER NOT NULL DEFAULT 0 CHECK (is_default IN (0, 1)),
  frozen        INTEGER NOT NULL DEFAULT 0 CHECK (frozen IN (0, 1)),
  typed_at      INTEGER NOT NULL,
  added_at      INTEGER,
  usable_from   INTEGER,
  PRIMARY KEY (holder_id, method_id)
) STRICT;
CREATE UNIQUE INDEX method_number ON method (holder_id, fingerprint) WHERE state = 'live';
CREATE UNIQUE INDEX method_default ON method (holder_id) WHERE is_default = 1;
CREATE INDEX payment_by_account ON payment (holder_id, account_id);

-- The practice tokeniser's own key, made when it is first needed.
CREATE TABLE sandbox_key (
  single  INTEGER NOT NULL PRIMARY KEY CHECK (single = 1),
  key   BLOB NOT NULL
) STRICT;
