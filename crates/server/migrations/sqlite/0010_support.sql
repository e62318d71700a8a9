-- People who help. They belong to no account, and no account belongs to them.
CREATE TABLE support_agent (
  agent_id     BLOB    NOT NULL PRIMARY KEY,
  name         TEXT    NOT NULL UNIQUE,
  user_handle  BLOB    NOT NULL UNIQUE,
  code_hash    BLOB    NOT NULL UNIQUE,
  added_at     INTEGER NOT NULL,
  removed_at   INTEGER
) STRICT;

-- An address at which an agent makes their passkey, once.
CREATE TABLE support_invitation (
  secret_hash  BLOB    NOT NULL PRIMARY KEY,
  agent_id     BLOB    NOT NULL REFERENCES support_agent (agent_id),
  expires_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE support_passkey (
  credential_id  BLOB    NOT NULL PRIMARY KEY,
  agent_id       BLOB    NOT NULL REFERENCES support_agent (agent_id),
  body           TEXT    NOT NULL,
  made_at        INTEGER NOT NULL
) STRICT;

-- A passkey challenge that was handed out to an agent's browser, taken once.
CREATE TABLE support_ceremony (
  ceremony_hash  BLOB    NOT NULL PRIMARY KEY,
  agent_id       BLOB    REFERENCES support_agent (agent_id),
  state          TEXT    NOT NULL,
  expires_at     INTEGER NOT NULL
) STRICT;
CREATE INDEX support_ceremony_by_end ON support_ceremony (expires_at);

CREATE TABLE support_session (
  session_hash  BLOB    NOT NULL PRIMARY KEY,
  agent_id      BLOB    NOT NULL REFERENCES support_agent (agent_id),
  began_at      INTEGER NOT NULL,
  last_at       INTEGER NOT NULL
) STRICT;
CREATE INDEX support_session_by_age ON support_session (last_at);

-- What an agent reads out on the telephone. It knows no account until the person types it and says yes.
CREATE TABLE support_check (
  check_id   BLOB    NOT NULL PRIMARY KEY,
  code_hash  BLOB    NOT NULL UNIQUE,
  agent_id   BLOB    NOT NULL REFERENCES support_agent (agent_id),
  scope      TEXT    NOT NULL,
  made_at    INTEGER NOT NULL,
  holder_id  BLOB    REFERENCES holder (holder_id),
  answered   INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX support_check_by_age ON support_check (made_at);

CREATE TABLE support_case (
  holder_id  BLOB    NOT NULL REFERENCES holder (holder_id),
  case_id    BLOB    NOT NULL,
  number     INTEGER NOT NULL UNIQUE,
  kind       TEXT    NOT NULL,
  opened_at  INTEGER NOT NULL,
  closed_at  INTEGER,
  PRIMARY KEY (holder_id, case_id)
) STRICT;

-- What a person let an agent see, and until when.
CREATE TABLE support_view (
  holder_id  BLOB    NOT NULL,
  view_id    BLOB    NOT NULL,
  case_id    BLOB    NOT NULL,
  agent_id   BLOB    NOT NULL REFERENCES support_agent (agent_id),
  scope      TEXT    NOT NULL,
  began_at   INTEGER NOT NULL,
  ends_at    INTEGER NOT NULL,
  PRIMARY KEY (holder_id, view_id),
  FOREIGN KEY (holder_id, case_id) REFERENCES support_case (holder_id, case_id)
) STRICT;

-- What one agent asks for and another one decides: never the same.
CREATE TABLE support_request (
  holder_id   BLOB    NOT NULL,
  request_id  BLOB    NOT NULL,
  case_id     BLOB    NOT NULL,
  operation   TEXT    NOT NULL,
  subject_id  BLOB,
  asked_by    BLOB    NOT NULL REFERENCES support_agent (agent_id),
  asked_at    INTEGER NOT NULL,
  decided_by  BLOB    REFERENCES support_agent (agent_id),
  decided_at  INTEGER,
  granted     INTEGER,
  PRIMARY KEY (holder_id, request_id),
  FOREIGN KEY (holder_id, case_id) REFERENCES support_case (holder_id, case_id),
  CHECK (decided_by IS NULL OR decided_by <> asked_by)
) STRICT;

-- How often an account tried codes, by the hour.
CREATE TABLE support_try (
  holder_id  BLOB    NOT NULL REFERENCES holder (holder_id),
  since      INTEGER NOT NULL,
  times      INTEGER NOT NULL,
  PRIMARY KEY (holder_id, since)
) STRICT;
