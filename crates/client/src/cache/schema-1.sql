-- The copy of the account on this device. Ids are 16 bytes; days are counted from 1970-01-01; bodies are the JSON of
-- the wire contract. Everything but `outbox`, `delivery`, `snooze` and `state` can be rebuilt from the server.

-- `body` is absent while only transactions of the account have arrived.
CREATE TABLE account (
    number   INTEGER PRIMARY KEY,
    id       BLOB NOT NULL UNIQUE,
    currency TEXT NOT NULL,
    body     TEXT,
    lines    INTEGER NOT NULL DEFAULT 0
) STRICT;

-- `seq` is (day << 32) + a running number, so that the table itself is in the order of every screen: newest first is
-- the table read backwards, and a search by words comes out by date.
CREATE TABLE tx (
    seq         INTEGER PRIMARY KEY,
    id          BLOB NOT NULL,
    account     INTEGER NOT NULL,
    amount      INTEGER NOT NULL,
    kind        INTEGER NOT NULL,
    state       INTEGER NOT NULL,
    description TEXT NOT NULL,
    memo        TEXT,
    source      TEXT
) STRICT;
CREATE UNIQUE INDEX tx_id ON tx (id);
CREATE UNIQUE INDEX tx_source ON tx (account, source) WHERE source IS NOT NULL;
CREATE INDEX tx_account ON tx (account);
CREATE INDEX tx_pending ON tx (account) WHERE state = 0;

CREATE VIRTUAL TABLE tx_words USING fts5 (
    description, memo, content = '', contentless_delete = 1,
    tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
);

-- Its terms in order: a typed beginning of a word is turned into the few words that it may be, since asking the index
-- for a beginning gathers every match before the first is known.
CREATE VIRTUAL TABLE tx_terms USING fts5vocab (tx_words, instance);

-- Kept on every write, so that no screen adds up a year of lines. `month` counts months from year 0.
CREATE TABLE month (
    account   INTEGER NOT NULL,
    month     INTEGER NOT NULL,
    money_in  INTEGER NOT NULL,
    money_out INTEGER NOT NULL,
    lines     INTEGER NOT NULL,
    PRIMARY KEY (account, month)
) STRICT, WITHOUT ROWID;

CREATE TABLE bill (id BLOB PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE mark (
    bill   BLOB NOT NULL,
    due_on INTEGER NOT NULL,
    body   TEXT NOT NULL,
    PRIMARY KEY (bill, due_on)
) STRICT, WITHOUT ROWID;

-- `body` is the server's payment; absent while the order has not reached it. `refused` is why it was not taken.
CREATE TABLE payment (
    id      BLOB PRIMARY KEY,
    made_at INTEGER NOT NULL,
    bill    BLOB,
    due_on  INTEGER,
    orders  TEXT NOT NULL,
    body    TEXT,
    refused TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX payment_made ON payment (made_at);

CREATE TABLE biller (id BLOB PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    body   TEXT NOT NULL,
    -- It may have reached the server: from here on only the server can say that it did not happen.
    tried  INTEGER NOT NULL DEFAULT 0
) STRICT;

-- What was shown, or is about to be: the row is committed before the notice appears.
CREATE TABLE delivery (
    bill     BLOB NOT NULL,
    due_on   INTEGER NOT NULL,
    lead     INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    shown_at INTEGER,
    PRIMARY KEY (bill, due_on, lead)
) STRICT, WITHOUT ROWID;
CREATE INDEX delivery_at ON delivery (at);

CREATE TABLE snooze (
    bill   BLOB NOT NULL,
    due_on INTEGER NOT NULL,
    until  INTEGER NOT NULL,
    PRIMARY KEY (bill, due_on)
) STRICT, WITHOUT ROWID;

CREATE TABLE statement (
    account   BLOB NOT NULL,
    closed_on INTEGER NOT NULL,
    summary   TEXT NOT NULL,
    pdf       BLOB,
    PRIMARY KEY (account, closed_on)
) STRICT;

CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
