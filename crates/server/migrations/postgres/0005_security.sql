-- What happened to the ways into an account, as a chain of hashes; written once, never changed.
CREATE TABLE security_event (
  holder_id  UUID   NOT NULL REFERENCES holder (holder_id),
  number     BIGINT NOT NULL CHECK (number > 0),
  at         BIGINT NOT NULL,
  kind       TEXT   NOT NULL,
  by_device  UUID,
  device_id  UUID,
  name       TEXT,
  about      BIGINT,
  hash       TEXT   NOT NULL,
  PRIMARY KEY (holder_id, number)
);
CREATE TRIGGER security_event_stays BEFORE UPDATE OR DELETE ON security_event
  FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- How its owner calls a passkey.
ALTER TABLE passkey ADD COLUMN name TEXT NOT NULL DEFAULT 'Passkey';
