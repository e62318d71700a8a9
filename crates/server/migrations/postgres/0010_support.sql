-- People who help. They belong to no account, and no account belongs to them.
CREATE TABLE support_agent (
  agent_id     UUID    NOT NULL PRIMARY KEY,
  name         TEXT    NOT NULL UNIQUE,
  user_handle  BYTEA   NOT NULL UNIQUE,
  code_hash    BYTEA   NOT NULL UNIQUE,
  added_at     BIGINT  NOT NULL,
  removed_at   BIGINT
);

-- An address at which an agent makes their passkey, once.
CREATE TABLE support_invitation (
  secret_hash  BYTEA   NOT NULL PRIMARY KEY,
  agent_id     UUID    NOT NULL REFERENCES support_agent (agent_id),
  expires_at   BIGINT  NOT NULL
);

CREATE TABLE support_passkey (
  credential_id  BYTEA   NOT NULL PRIMARY KEY,
  agent_id       UUID    NOT NULL REFERENCES support_agent (agent_id),
  body           TEXT    NOT NULL,
  made_at        BIGINT  NOT NULL
);

-- A passkey challenge that was handed out to an agent's browser, taken once.
CREATE TABLE support_ceremony (
  ceremony_hash  BYTEA   NOT NULL PRIMARY KEY,
  agent_id       UUID    REFERENCES support_agent (agent_id),
  state          TEXT    NOT NULL,
  expires_at     BIGINT  NOT NULL
);
CREATE INDEX support_ceremony_by_end ON support_ceremony (expires_at);

CREATE TABLE support_session (
  session_hash  BYTEA   NOT NULL PRIMARY KEY,
  agent_id      UUID    NOT NULL REFERENCES support_agent (agent_id),
  began_at      BIGINT  NOT NULL,
  last_at       BIGINT  NOT NULL
);
CREATE INDEX support_session_by_age ON support_session (last_at);

-- What an agent reads out on the telephone. It knows no account until the person types it and says yes.
CREATE TABLE support_check (
  check_id   UUID    NOT NULL PRIMARY KEY,
  code_hash  BYTEA   NOT NULL UNIQUE,
  agent_id   UUID    NOT NULL REFERENCES support_agent (agent_id),
  scope      TEXT    NOT NULL,
  made_at    BIGINT  NOT NULL,
  holder_id  UUID    REFERENCES holder (holder_id),
  answered   BIGINT  NOT NULL DEFAULT 0
);
CREATE INDEX support_check_by_age ON support_check (made_at);

CREATE TABLE support_case (
  holder_id  UUID    NOT NULL REFERENCES holder (holder_id),
  case_id    UUID    NOT NULL,
  number     BIGINT  NOT NULL UNIQUE,
  kind       TEXT    NOT NULL,
  opened_at  BIGINT  NOT NULL,
  closed_at  BIGINT,
  PRIMARY KEY (holder_id, case_id)
);

-- What a person let an agent see, and until when.
CREATE TABLE support_view (
  holder_id  UUID    NOT NULL,
  view_id    UUID    NOT NULL,
  case_id    UUID    NOT NULL,
  agent_id   UUID    NOT NULL REFERENCES support_agent (agent_id),
  scope      TEXT    NOT NULL,
  began_at   BIGINT  NOT NULL,
  ends_at    BIGINT  NOT NULL,
  PRIMARY KEY (holder_id, view_id),
  FOREIGN KEY (holder_id, case_id) REFERENCES support_case (holder_id, case_id)
);

-- What one agent asks for and another one decides: never the same.
CREATE TABLE support_request (
  holder_id   UUID    NOT NULL,
  request_id  UUID    NOT NULL,
  case_id     UUID    NOT NULL,
  operation   TEXT    NOT NULL,
  subject_id  UUID,
  asked_by    UUID    NOT NULL REFERENCES support_agent (agent_id),
  asked_at    BIGINT  NOT NULL,
  decided_by  UUID    REFERENCES support_agent (agent_id),
  decided_at  BIGINT,
  granted     BIGINT,
  PRIMARY KEY (holder_id, request_id),
  FOREIGN KEY (holder_id, case_id) REFERENCES support_case (holder_id, case_id),
  CHECK (decided_by IS NULL OR decided_by <> asked_by)
);

-- How often an account tried codes, by the hour.
CREATE TABLE support_try (
  holder_id  UUID    NOT NULL REFERENCES holder (holder_id),
  since      BIGINT  NOT NULL,
  times      BIGINT  NOT NULL,
  PRIMARY KEY (holder_id, since)
);
