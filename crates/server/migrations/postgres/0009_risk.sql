-- From where an account was used: networks, shortened so that they name no single connection, with their coarse places.
CREATE TABLE risk_sighting (
  holder_id  UUID    NOT NULL REFERENCES holder (holder_id),
  device_id  UUID    NOT NULL,
  network    TEXT    NOT NULL,
  country    TEXT,
  city       TEXT,
  latitude   BIGINT,
  longitude  BIGINT,
  first_at   BIGINT  NOT NULL,
  last_at    BIGINT  NOT NULL,
  vouched    BIGINT  NOT NULL DEFAULT 0,
  PRIMARY KEY (holder_id, device_id, network)
);
CREATE INDEX risk_sighting_by_age ON risk_sighting (last_at);

-- How often an account was used in each hour of the day.
CREATE TABLE risk_hour (
  holder_id  UUID    NOT NULL REFERENCES holder (holder_id),
  hour       BIGINT  NOT NULL CHECK (hour BETWEEN 0 AND 23),
  uses       BIGINT  NOT NULL,
  last_at    BIGINT  NOT NULL,
  PRIMARY KEY (holder_id, hour)
);

-- What counts against an account for a while, by the hour, so that no flood makes many rows.
CREATE TABLE risk_count (
  holder_id  UUID    NOT NULL REFERENCES holder (holder_id),
  kind       TEXT    NOT NULL,
  since      BIGINT  NOT NULL,
  times      BIGINT  NOT NULL,
  last_at    BIGINT  NOT NULL,
  PRIMARY KEY (holder_id, kind, since)
);
CREATE INDEX risk_count_by_age ON risk_count (since);

-- What the score was, why, and what followed. A refresh that is like the one before adds to `times`.
CREATE TABLE risk_decision (
  holder_id    UUID    NOT NULL REFERENCES holder (holder_id),
  decision_id  UUID    NOT NULL,
  at           BIGINT  NOT NULL,
  last_at      BIGINT  NOT NULL,
  times        BIGINT  NOT NULL DEFAULT 1,
  occasion     TEXT    NOT NULL,
  device_id    UUID,
  subject_id   UUID,
  network      TEXT,
  country      TEXT,
  city         TEXT,
  version      BIGINT  NOT NULL,
  score        BIGINT  NOT NULL,
  verdict      TEXT    NOT NULL,
  points       TEXT    NOT NULL,
  event        BIGINT,
  mine         BIGINT,
  PRIMARY KEY (holder_id, decision_id)
);
CREATE INDEX risk_decision_by_device ON risk_decision (holder_id, device_id, at);
CREATE INDEX risk_decision_by_age ON risk_decision (last_at);
