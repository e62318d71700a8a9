-- One row: the server itself. The epoch changes when a backup is restored.
CREATE TABLE server_state (
  only_row  BIGINT NOT NULL PRIMARY KEY CHECK (only_row = 1),
  epoch     BIGINT NOT NULL,
  probe     BIGINT NOT NULL
);
INSERT INTO server_state (only_row, epoch, probe) VALUES (1, 1, 0);

-- The person an account is kept for. Every other table's key starts with this id.
CREATE TABLE holder (
  holder_id    UUID   NOT NULL PRIMARY KEY,
  user_handle  BYTEA  NOT NULL UNIQUE,
  name         TEXT   NOT NULL,
  feed_number  BIGINT NOT NULL DEFAULT 0,
  created_at   BIGINT NOT NULL
);
