-- The change feed. A number below the floor may have lost tombstones: a device that far behind takes a snapshot.
ALTER TABLE holder ADD COLUMN feed_floor BIGINT NOT NULL DEFAULT 0;

-- What devices keep a copy of, as it is now; `number` is the feed number of the commit that changed it last. Beside
-- the body stand only the columns that something is found or summed by; `posted_on` stands on posted lines alone.
CREATE TABLE record (
  holder_id     UUID   NOT NULL REFERENCES holder (holder_id),
  kind          BIGINT NOT NULL,
  item_id       UUID   NOT NULL,
  item_day      TEXT   NOT NULL DEFAULT '',
  number        BIGINT NOT NULL,
  changed_at    BIGINT NOT NULL,
  gone          BIGINT NOT NULL DEFAULT 0,
  body          TEXT   NOT NULL,
  account_id    UUID,
  posted_on     TEXT,
  amount_minor  BIGINT,
  source        TEXT,
  PRIMARY KEY (holder_id, kind, item_id, item_day)
);
CREATE UNIQUE INDEX record_by_number ON record (holder_id, number, kind, item_id, item_day);
CREATE UNIQUE INDEX record_by_source ON record (holder_id, account_id, source) WHERE source IS NOT NULL AND gone = 0;
CREATE INDEX record_by_day ON record (holder_id, account_id, posted_on, amount_minor) WHERE posted_on IS NOT NULL;
CREATE INDEX record_gone ON record (changed_at) WHERE gone = 1;
