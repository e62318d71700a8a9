-- Where the days of this server are meant, as it said when it started last; absent where its zone has no name. What is done
-- beside it, by commands, is meant there too.
ALTER TABLE server_state ADD COLUMN zone TEXT;
