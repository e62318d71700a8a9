-- Sources of lines that an issuer replaced or took back: an older file that is imported again does not bring them back.
CREATE TABLE replaced (
    account BLOB NOT NULL,
    source  TEXT NOT NULL,
    PRIMARY KEY (account, source)
) STRICT, WITHOUT ROWID;
