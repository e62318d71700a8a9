-- A password as a way into an account. `name_key` is the account name as names are compared; the hash is a PHC string
-- with its own parameters. `codes_until` is when the wrong codes beside it will be forgotten.
CREATE TABLE password (
  holder_id     UUID NOT NULL PRIMARY KEY REFERENCES holder (holder_id),
  name          TEXT NOT NULL,
  name_key      TEXT NOT NULL UNIQUE,
  hash          TEXT NOT NULL,
  long          BIGINT NOT NULL CHECK (long IN (0, 1)),
  kept          BIGINT NOT NULL DEFAULT 0 CHECK (kept IN (0, 1)),
  changed_at    BIGINT NOT NULL,
  last_used_at  BIGINT,
  codes_until   BIGINT NOT NULL DEFAULT 0
);

-- An authenticator app. `step` is the newest 30 seconds whose code was used: none counts twice, and none before it.
CREATE TABLE totp (
  holder_id     UUID NOT NULL REFERENCES holder (holder_id),
  factor_id     UUID NOT NULL,
  name          TEXT NOT NULL,
  secret        BYTEA NOT NULL,
  step          BIGINT NOT NULL,
  created_at    BIGINT NOT NULL,
  last_used_at  BIGINT,
  PRIMARY KEY (holder_id, factor_id)
);

-- What a visit has got to before anybody is recognised in it, as JSON.
ALTER TABLE sign_in_visit ADD COLUMN pending TEXT;
