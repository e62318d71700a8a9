-- Which key sealed an authenticator app's key; null: it stands as it was before keys were sealed, until the next start.
ALTER TABLE totp ADD COLUMN sealed_by INTEGER;

-- When the session that a passkey began last let money go, on this device.
ALTER TABLE device ADD COLUMN money_at INTEGER;

-- How somebody types their account name: a row is there while its owner wants it looked at. The times between keys are
-- JSON, newest last; no key is in them.
CREATE TABLE typing_rhythm (
  holder_id  BLOB    NOT NULL PRIMARY KEY REFERENCES holder (holder_id),
  samples    TEXT    NOT NULL DEFAULT '[]',
  since      INTEGER NOT NULL
) STRICT;

-- The rhythm in which the account name was typed for the code, until the code is redeemed.
ALTER TABLE authorization_code ADD COLUMN rhythm TEXT;
