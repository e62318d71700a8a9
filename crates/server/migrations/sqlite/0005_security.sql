-- What happened to the ways into an account, as a chain of hashes; written once, never changed.
CREATE TABLE security_event (
  holder_id  BLOB    NOT NULL REFERENCES holder (holder_id),
  number     INTEGER NOT NULL CHECK (number > 0),
  at         INTEGER NOT NULL,
  kind       TEXT    NOT NULL,
  by_device  BLOB,
  device_id  BLOB,
  name       TEXT,
  about      INTEGER,
  hash       TEXT    NOT NULL,
  PRIMARY KEY (holder_id, number)
) STRICT;
CREATE TRIGGER security_event_update BEFORE UPDATE ON security_event
BEGIN SELECT RAISE(ABORT, 'rows of security_event never change'); END;
CREATE TRIGGER security_event_delete BEFORE DELETE ON security_event
BEGIN SELECT RAISE(ABORT, 'rows of security_event never change'); END;

-- How its owner calls a passkey.
ALTER TABLE passkey ADD COLUMN name TEXT NOT NULL DEFAULT 'Passkey';
