-- The addresses that stand in notices: each says no to one entry of the security log, once.
CREATE TABLE notice_link (
  link_hash   BYTEA   NOT NULL PRIMARY KEY,
  holder_id   UUID    NOT NULL REFERENCES holder (holder_id),
  event       BIGINT  NOT NULL,
  expires_at  BIGINT  NOT NULL
);
CREATE INDEX notice_link_by_end ON notice_link (expires_at);

-- The code that a person keeps on paper, as its hash, and what was guessed at it.
CREATE TABLE saved_code (
  holder_id      UUID    NOT NULL PRIMARY KEY REFERENCES holder (holder_id),
  code_hash      BYTEA   NOT NULL UNIQUE,
  made_at        BIGINT  NOT NULL,
  wrong_in_all   BIGINT  NOT NULL DEFAULT 0,
  wrong_in_day   BIGINT  NOT NULL DEFAULT 0,
  day_began_at   BIGINT,
  last_wrong_at  BIGINT
);

-- An account's newest recovery: begun, and then stopped, finished, or over by itself.
CREATE TABLE recovery (
  holder_id      UUID    NOT NULL PRIMARY KEY REFERENCES holder (holder_id),
  begun_at       BIGINT  NOT NULL,
  ready_at       BIGINT  NOT NULL,
  stopped_until  BIGINT,
  finished_at    BIGINT,
  device_id      UUID,
  event          BIGINT  NOT NULL,
  -- Two people of support began it: there was no saved code to prove.
  by_support     BIGINT  NOT NULL CHECK (by_support IN (0, 1))
);
