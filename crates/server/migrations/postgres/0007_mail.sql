-- The language that its holder is written to in.
ALTER TABLE holder ADD COLUMN language TEXT NOT NULL DEFAULT 'en';

-- Where a person can be written to. `folded` is what two spellings have in common. The numbers are those of the security
-- log's entries about it, by which somebody may object.
CREATE TABLE address (
  holder_id     UUID    NOT NULL REFERENCES holder (holder_id),
  address_id    UUID    NOT NULL,
  kind          TEXT    NOT NULL,
  value         TEXT    NOT NULL,
  folded        TEXT    NOT NULL,
  added_at      BIGINT  NOT NULL,
  confirmed_at  BIGINT,
  usable_at     BIGINT,
  leaves_at     BIGINT,
  added_event   BIGINT,
  left_event    BIGINT,
  code_id       UUID,
  PRIMARY KEY (holder_id, address_id),
  UNIQUE (holder_id, folded)
);
CREATE INDEX address_by_folded ON address (folded);

-- A code that is sent to an address, as a salted SHA-256 from the moment that it is sent. It answers one question, of
-- whoever asked for it.
CREATE TABLE mail_code (
  holder_id   UUID    NOT NULL REFERENCES holder (holder_id),
  code_id     UUID    NOT NULL,
  purpose     TEXT    NOT NULL,
  bound_to    BYTEA   NOT NULL,
  code_hash   BYTEA,
  tries       BIGINT  NOT NULL DEFAULT 0,
  expires_at  BIGINT  NOT NULL,
  PRIMARY KEY (holder_id, code_id)
);
CREATE INDEX mail_code_by_end ON mail_code (expires_at);

-- What is still to be sent; a row goes when its message has left or cannot.
CREATE TABLE mail_message (
  holder_id   UUID    NOT NULL REFERENCES holder (holder_id),
  message_id  UUID    NOT NULL,
  kind        TEXT    NOT NULL,
  address     TEXT    NOT NULL,
  matter      TEXT    NOT NULL,
  made_at     BIGINT  NOT NULL,
  PRIMARY KEY (holder_id, message_id)
);
