-- The language that its holder is written to in.
ALTER TABLE holder ADD COLUMN language TEXT NOT NULL DEFAULT 'en';

-- Where a person can be written to. `folded` is what two spellings have in common. The numbers are those of the security
-- log's entries about it, by which somebody may object.
CREATE TABLE address (
  holder_id     BLOB    NOT NULL REFERENCES holder (holder_id),
  address_id    BLOB    NOT NULL,
  kind          TEXT    NOT NULL,
  value         TEXT    NOT NULL,
  folded        TEXT    NOT NULL,
  added_at      INTEGER NOT NULL,
  confirmed_at  INTEGER,
  usable_at     INTEGER,
  leaves_at     INTEGER,
  added_event   INTEGER,
  left_event    INTEGER,
  code_id       BLOB,
  PRIMARY KEY (holder_id, address_id),
  UNIQUE (holder_id, folded)
) STRICT;
CREATE INDEX address_by_folded ON address (folded);

-- A code that is sent to an address, as a salted SHA-256 from the moment that it is sent. It answers one question, of
-- whoever asked for it.
CREATE TABLE mail_code (
  holder_id   BLOB    NOT NULL REFERENCES holder (holder_id),
  code_id     BLOB    NOT NULL,
  purpose     TEXT    NOT NULL,
  bound_to    BLOB    NOT NULL,
  code_hash   BLOB,
  tries       INTEGER NOT NULL DEFAULT 0,
  expires_at  INTEGER NOT NULL,
  PRIMARY KEY (holder_id, code_id)
) STRICT;
CREATE INDEX mail_code_by_end ON mail_code (expires_at);

-- What is still to be sent; a row goes when its message has left or cannot.
CREATE TABLE mail_message (
  holder_id   BLOB    NOT NULL REFERENCES holder (holder_id),
  message_id  BLOB    NOT NULL,
  kind        TEXT    NOT NULL,
  address     TEXT    NOT NULL,
  matter      TEXT    NOT NULL,
  made_at     INTEGER NOT NULL,
  PRIMARY KEY (holder_id, message_id)
) STRICT;
