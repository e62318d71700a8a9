-- From where an account was used: networks, shortened so that they name no single connection, with their coarse places.
CREATE TABLE risk_sighting (
  holder_id  BLOB    NOT NULL REFERENCES holder (holder_id),
  device_id  BLOB    NOT NULL,
  network    TEXT    NOT NULL,
  country    TEXT,
  city       TEXT,
  latitude   INTEGER,
  longitude  INTEGER,
  first_at   INTEGER NOT NULL,
  last_at    INTEGER NOT NULL,
  vouched    INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (holder_id, device_id, network)
) STRICT;
CREATE INDEX risk_sighting_by_age ON risk_sighting (last_at);

-- How often an account was used in each hour of the day.
CREATE TABLE risk_hour (
  holder_id  BLOB    NOT NULL REFERENCES holder (holder_id),
  hour       INTEGER NOT NULL CHECK (hour BETWEEN 0 AND 23),
  uses       INTEGER NOT NULL,
  last_at    INTEGER NOT NULL,
  PRIMARY KEY (holder_id, hour)
) STRICT;

-- What counts against an account for a while, by the hour, so that no flood makes many rows.
CREATE TABLE risk_count (
  holder_id  BLOB    NOT NULL REFERENCES holder (holder_id),
  kind       TEXT    NOT NULL,
  since      INTEGER NOT NULL,
  times      INTEGER NOT NULL,
  last_at    INTEGER NOT NULL,
  PRIMARY KEY (holder_id, kind, since)
) STRICT;
CREATE INDEX risk_count_by_age ON risk_count (since);

-- What the score was, why, and what followed. A refresh that is like the one before adds to `times`.
CREATE TABLE risk_decision (
  holder_id    BLOB    NOT NULL REFERENCES holder (holder_id),
  decision_id  BLOB    NOT NULL,
  at           INTEGER NOT NULL,
  last_at      INTEGER NOT NULL,
  times        INTEGER NOT NULL DEFAULT 1,
  occasion     TEXT    NOT NULL,
  device_id    BLOB,
  subject_id   BLOB,
  network      TEXT,
  country      TEXT,
  city         TEXT,
  version      INTEGER NOT NULL,
  score        INTEGER NOT NULL,
  verdict      TEXT    NOT NULL,
  points       TEXT    NOT NULL,
  event        INTEGER,
  mine         INTEGER,
  PRIMARY KEY (holder_id, decision_id)
) STRICT;
CREATE INDEX risk_decision_by_device ON risk_decision (holder_id, device_id, at);
CREATE INDEX risk_decision_by_age ON risk_decision (last_at);
