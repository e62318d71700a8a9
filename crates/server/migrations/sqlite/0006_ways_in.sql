-- A password as a way into an account. `name_key` is the account name as names are compared; the hash is a PHC string
-- with its own parameters. `codes_until` is when the wrong codes beside it will be forgotten.
CREATE TABLE password (
  holder_id     BLOB NOT NULL PRIMARY KEY REFERENCES holder (holder_id),
  name          TEXT NOT NULL,
  name_key      TEXT NOT NULL UNIQUE,
  hash          TEXT NOT NULL,
  long          INTEGER NOT NULL CHECK (long IN (0, 1)),
  kept          INTEGER NOT NULL DEFAULT 0 CHECK (kept IN (0, 1)),
  changed_at    INTEGER NOT NULL,
  last_used_at  INTEGER,
  codes_until   INTEGER NOT NULL DEFAULT 0
) STRICT;

-- An authenticator app. `step` is the newest 30 seconds whose code was used: none counts twice, and none before it.
CREATE TABLE totp (
  holder_id     BLOB NOT NULL REFERENCES holder (holder_id),
  factor_id     BLOB NOT NULL,
  name          TEXT NOT NULL,
  secret        BLOB NOT NULL,
  step          INTEGER NOT NULL,
  created_at    INTEGER NOT NULL,
  last_used_at  INTEGER,
  PRIMARY KEY (holder_id, factor_id)
) STRICT;

-- What a visit has got to before anybody is recognised in it, as JSON.
ALTER TABLE sign_in_visit ADD COLUMN pending TEXT;
