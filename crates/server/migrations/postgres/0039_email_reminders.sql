-- Who wants reminders by e-mail, and how.
CREATE TABLE email_reminders (
  holder_id    UUID    NOT NULL PRIMARY KEY REFERENCES holder (holder_id),
  details      BIGINT  NOT NULL CHECK (details IN (0, 1)),
  remind_at    TEXT    NOT NULL,
  zone         TEXT    NOT NULL
);

-- Each reminder that was put into a message, or that a later one stands for: none is sent twice.
CREATE TABLE email_reminder (
  holder_id    UUID    NOT NULL REFERENCES holder (holder_id),
  bill_id      UUID    NOT NULL,
  due_on       TEXT    NOT NULL,
  turn         BIGINT  NOT NULL,
  message_id   UUID,
  PRIMARY KEY (holder_id, bill_id, due_on, turn)
);
