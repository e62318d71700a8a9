-- The addresses that stand in notices: each says no to one entry of the security log, once.
CREATE TABLE notice_link (
  link_hash   BLOB    NOT NULL PRIMARY KEY,
  holder_id   BLOB    NOT NULL REFERENCES holder (holder_id),
  event       INTEGER NOT NULL,
  expires_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX notice_link_by_end ON notice_link (expires_at);

-- The code that a person keeps on paper, as its hash, and what was guessed at it.
CREATE TABLE saved_code (
  holder_id      BLOB    NOT NULL PRIMARY KEY REFERENCES holder (holder_id),
  code_hash      BLOB    NOT NULL UNIQUE,
  made_at        INTEGER NOT NULL,
  wrong_in_all   INTEGER NOT NULL DEFAULT 0,
  wrong_in_day   INTEGER NOT NULL DEFAULT 0,
  day_began_at   INTEGER,
  last_wrong_at  INTEGER
) STRICT;

-- An account's newest recovery: begun, and then stopped, finished, or over by itself.
CREATE TABLE recovery (
  holder_id      BLOB    NOT NULL PRIMARY KEY REFERENCES holder (holder_id),
  begun_at       INTEGER NOT NULL,
  ready_at       INTEGER NOT NULL,
  stopped_until  INTEGER,
  finished_at    INTEGER,
  device_id      BLOB,
  event          INTEGER NOT NULL,
  -- Two people of support began it: there was no saved code to prove.
  by_support     INTEGER NOT NULL CHECK (by_support IN (0, 1))
) STRICT;
