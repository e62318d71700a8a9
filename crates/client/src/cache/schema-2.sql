-- The security log. What a device has once seen of it stays, also when everything else is fetched anew: an entry that
-- comes back changed is kept as it was, and noted in `state`.
CREATE TABLE security_event (number INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
