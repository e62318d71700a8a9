-- Batches that were applied from the server, each chained to the one before by a keyed hash: a copy that was put back to an
-- earlier state does not follow from what was closed last.
CREATE TABLE batch (
    number  INTEGER PRIMARY KEY,
    cursor  TEXT NOT NULL,
    content BLOB NOT NULL,
    chain   BLOB NOT NULL
) STRICT;
