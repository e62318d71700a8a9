-- What was answered to the reminders of a due date, on any device. `snooze` holds what this device has yet to show again.
CREATE TABLE reminder_answer (
    bill   BLOB NOT NULL,
    due_on INTEGER NOT NULL,
    body   TEXT NOT NULL,
    PRIMARY KEY (bill, due_on)
) STRICT, WITHOUT ROWID;
