-- One row: the server itself. The epoch changes when a backup is restored.
CREATE TABLE server_state (
  only_row  INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
  epoch     INTEGER NOT NULL,
  probe     INTEGER NOT NULL
) STRICT;
INSERT INTO server_state (only_row, epoch, probe) VALUES (1, 1, 0);

-- The person an account is kept for. Every other table's key starts with this id.
CREATE TABLE holder (
  holder_id    BLOB   NOT NULL PRIMARY KEY,
  user_handle  BLOB   NOT NULL UNIQUE,
  name         TEXT   NOT NULL,
  feed_number  INTEGER NOT NULL DEFAULT 0,
  created_at   INTEGER NOT NULL
) STRICT;
