-- Sign-in before anybody is known: these rows have no holder, live for minutes and are swept.

-- What an app pushed (RFC 9126); the address it got back is stored as its SHA-256.
CREATE TABLE pushed_request (
  request_hash  BLOB    NOT NULL PRIMARY KEY,
  body          TEXT    NOT NULL,
  expires_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX pushed_request_by_end ON pushed_request (expires_at);

-- One visit of a browser, from the authorize address to the answer; the cookie is stored as its SHA-256.
CREATE TABLE sign_in_visit (
  visit_hash  BLOB    NOT NULL PRIMARY KEY,
  body        TEXT    NOT NULL,
  holder_id   BLOB    REFERENCES holder (holder_id),
  failures    INTEGER NOT NULL DEFAULT 0,
  ceremonies  INTEGER NOT NULL DEFAULT 0,
  expires_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX sign_in_visit_by_end ON sign_in_visit (expires_at);

-- A passkey challenge that was handed out: taken once, within its visit.
CREATE TABLE sign_in_ceremony (
  ceremony_hash  BLOB    NOT NULL PRIMARY KEY,
  visit_hash     BLOB    NOT NULL REFERENCES sign_in_visit (visit_hash) ON DELETE CASCADE,
  kind           TEXT    NOT NULL,
  state          TEXT    NOT NULL,
  expires_at     INTEGER NOT NULL
) STRICT;
CREATE INDEX sign_in_ceremony_by_visit ON sign_in_ceremony (visit_hash);

CREATE TABLE passkey (
  holder_id      BLOB    NOT NULL REFERENCES holder (holder_id),
  passkey_id     BLOB    NOT NULL,
  credential_id  BLOB    NOT NULL UNIQUE,
  body           TEXT    NOT NULL,
  created_at     INTEGER NOT NULL,
  last_used_at   INTEGER,
  PRIMARY KEY (holder_id, passkey_id)
) STRICT;

-- One installation of the app: its key's thumbprint is what its tokens are bound to.
CREATE TABLE device (
  holder_id     BLOB    NOT NULL REFERENCES holder (holder_id),
  device_id     BLOB    NOT NULL,
  name          TEXT    NOT NULL,
  thumbprint    TEXT    NOT NULL,
  added_at      INTEGER NOT NULL,
  last_seen_at  INTEGER NOT NULL,
  revoked_at    INTEGER,
  PRIMARY KEY (holder_id, device_id),
  UNIQUE (holder_id, thumbprint)
) STRICT;

-- What one authorization code led to; every token of it ends with it.
CREATE TABLE token_family (
  holder_id   BLOB    NOT NULL,
  family_id   BLOB    NOT NULL,
  device_id   BLOB    NOT NULL,
  ends_at     INTEGER NOT NULL,
  revoked_at  INTEGER,
  PRIMARY KEY (holder_id, family_id),
  FOREIGN KEY (holder_id, device_id) REFERENCES device (holder_id, device_id)
) STRICT;
CREATE INDEX token_family_by_device ON token_family (holder_id, device_id);
CREATE INDEX token_family_by_end ON token_family (ends_at);

CREATE TABLE authorization_code (
  holder_id       BLOB    NOT NULL REFERENCES holder (holder_id),
  code_hash       BLOB    NOT NULL UNIQUE,
  redirect_uri    TEXT    NOT NULL,
  code_challenge  TEXT    NOT NULL,
  thumbprint      TEXT    NOT NULL,
  device_name     TEXT    NOT NULL,
  expires_at      INTEGER NOT NULL,
  family_id       BLOB,
  PRIMARY KEY (holder_id, code_hash)
) STRICT;
CREATE INDEX authorization_code_by_end ON authorization_code (expires_at);

-- An access token and the refresh token that came with it, as SHA-256.
CREATE TABLE token_pair (
  holder_id        BLOB    NOT NULL,
  pair_id          BLOB    NOT NULL,
  family_id        BLOB    NOT NULL,
  access_hash      BLOB    NOT NULL UNIQUE,
  refresh_hash     BLOB    NOT NULL UNIQUE,
  access_ends_at   INTEGER NOT NULL,
  refresh_ends_at  INTEGER NOT NULL,
  access_used_at   INTEGER,
  refresh_used_at  INTEGER,
  successor_id     BLOB,
  revoked_at       INTEGER,
  PRIMARY KEY (holder_id, pair_id),
  FOREIGN KEY (holder_id, family_id) REFERENCES token_family (holder_id, family_id)
) STRICT;
CREATE INDEX token_pair_by_family ON token_pair (holder_id, family_id);

-- What a change with an `Idempotency-Key` was answered; stored with its effect.
CREATE TABLE idempotency (
  holder_id    BLOB    NOT NULL REFERENCES holder (holder_id),
  route        TEXT    NOT NULL,
  key          TEXT    NOT NULL,
  fingerprint  BLOB    NOT NULL,
  status       INTEGER NOT NULL,
  reply        TEXT    NOT NULL,
  created_at   INTEGER NOT NULL,
  PRIMARY KEY (holder_id, route, key)
) STRICT;
CREATE INDEX idempotency_by_age ON idempotency (created_at);
