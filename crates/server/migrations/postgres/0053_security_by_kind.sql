-- What risk asks of the log is about a few kinds of events: it does not read all of a person's log, which only grows.
CREATE INDEX security_event_by_kind ON security_event (holder_id, kind, number);
