-- What the nodes of one database share about proofs of possession. Unlogged: writing them waits for no disk, and a
-- crash empties both together, so that no forgotten proof can be used again under a key that is still good.
CREATE UNLOGGED TABLE proof_key (
  only_row  BIGINT NOT NULL PRIMARY KEY CHECK (only_row = 1),
  key_id    BYTEA  NOT NULL,
  secret    BYTEA  NOT NULL
);
CREATE UNLOGGED TABLE used_proof (
  proof_id  BYTEA  NOT NULL PRIMARY KEY,
  ends_at   BIGINT NOT NULL
);
CREATE INDEX used_proof_by_end ON used_proof (ends_at);

-- The latest moment that any node has written: a clock that stands before it was set back.
ALTER TABLE server_state ADD COLUMN seen_at BIGINT NOT NULL DEFAULT 0;
