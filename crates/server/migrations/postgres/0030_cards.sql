-- What a card owes stands at the place 'owed', and a card in credit owes less than nothing there.
ALTER TABLE place_balance DROP CONSTRAINT place_balance_check;
ALTER TABLE place_balance ADD CONSTRAINT place_balance_check CHECK (amount_minor >= 0 OR place IN ('outside', 'owed'));

-- A card that this server issues. Its money is in the ledger; `terms` is the agreement.
CREATE TABLE card (
  holder_id     UUID    NOT NULL REFERENCES holder (holder_id),
  card_id       UUID    NOT NULL,
  status        TEXT    NOT NULL CHECK (status IN ('active', 'frozen', 'lost', 'closed')),
  status_at     BIGINT  NOT NULL,
  limit_minor   BIGINT  NOT NULL CHECK (limit_minor > 0),
  currency      TEXT    NOT NULL,
  terms         TEXT    NOT NULL,
  opened_on     TEXT    NOT NULL,
  PRIMARY KEY (holder_id, card_id)
);

-- Who sells. Merchants are the server's, not a holder's.
CREATE TABLE merchant (
  merchant_id  UUID    NOT NULL PRIMARY KEY,
  name         TEXT    NOT NULL,
  secret_hash  BYTEA   NOT NULL,
  made_at      BIGINT  NOT NULL,
  ended_at     BIGINT
);
CREATE TABLE merchant_token (
  token_hash   BYTEA   NOT NULL PRIMARY KEY,
  merchant_id  UUID    NOT NULL REFERENCES merchant (merchant_id),
  thumbprint   TEXT    NOT NULL,
  ends_at      BIGINT  NOT NULL
);
CREATE INDEX merchant_token_by_end ON merchant_token (ends_at);

-- The code that a person made for a card last, as its hash. It counts once, and only when it is approved.
CREATE TABLE card_code (
  holder_id   UUID    NOT NULL,
  card_id     UUID    NOT NULL,
  code_hash   BYTEA   NOT NULL UNIQUE,
  ends_at     BIGINT  NOT NULL,
  approved    BIGINT  NOT NULL CHECK (approved IN (0, 1)),
  PRIMARY KEY (holder_id, card_id),
  FOREIGN KEY (holder_id, card_id) REFERENCES card (holder_id, card_id)
);

-- What a merchant holds in the place of a card's number, as its hash: good for one card, by one merchant.
CREATE TABLE card_link (
  token_hash   BYTEA   NOT NULL PRIMARY KEY,
  holder_id    UUID    NOT NULL,
  card_id      UUID    NOT NULL,
  merchant_id  UUID    NOT NULL REFERENCES merchant (merchant_id),
  made_at      BIGINT  NOT NULL,
  ended_at     BIGINT,
  FOREIGN KEY (holder_id, card_id) REFERENCES card (holder_id, card_id)
);
CREATE UNIQUE INDEX card_link_open ON card_link (holder_id, card_id, merchant_id) WHERE ended_at IS NULL;

-- A purchase as a merchant asked for it. What was approved is held, captured or released, and never more.
CREATE TABLE purchase (
  holder_id       UUID    NOT NULL,
  purchase_id     UUID    NOT NULL,
  card_id         UUID    NOT NULL,
  merchant_id     UUID    NOT NULL REFERENCES merchant (merchant_id),
  merchant_name   TEXT    NOT NULL,
  description     TEXT    NOT NULL,
  amount_minor    BIGINT  NOT NULL CHECK (amount_minor > 0),
  currency        TEXT    NOT NULL,
  declined        TEXT,
  captured_minor  BIGINT  NOT NULL DEFAULT 0 CHECK (captured_minor >= 0),
  released_minor  BIGINT  NOT NULL DEFAULT 0 CHECK (released_minor >= 0),
  refunded_minor  BIGINT  NOT NULL DEFAULT 0 CHECK (refunded_minor >= 0),
  asked_at        BIGINT  NOT NULL,
  holds_until     TEXT    NOT NULL,
  PRIMARY KEY (holder_id, purchase_id),
  FOREIGN KEY (holder_id, card_id) REFERENCES card (holder_id, card_id),
  CHECK (captured_minor + released_minor <= amount_minor),
  CHECK (refunded_minor <= captured_minor),
  CHECK (declined IS NULL OR captured_minor + released_minor + refunded_minor = 0)
);
CREATE UNIQUE INDEX purchase_of_merchant ON purchase (merchant_id, purchase_id);
CREATE INDEX purchase_by_card ON purchase (holder_id, card_id, asked_at);

-- Each capture and refund, with the id that the merchant made for it: sent again, it is done once.
CREATE TABLE purchase_step (
  holder_id     UUID    NOT NULL,
  step_id       UUID    NOT NULL,
  purchase_id   UUID    NOT NULL,
  kind          TEXT    NOT NULL CHECK (kind IN ('capture', 'refund')),
  amount_minor  BIGINT  NOT NULL CHECK (amount_minor > 0),
  last          BIGINT  NOT NULL CHECK (last IN (0, 1)),
  made_at       BIGINT  NOT NULL,
  PRIMARY KEY (holder_id, step_id),
  FOREIGN KEY (holder_id, purchase_id) REFERENCES purchase (holder_id, purchase_id)
);
CREATE INDEX purchase_step_by_purchase ON purchase_step (holder_id, purchase_id);
CREATE TRIGGER purchase_step_stays BEFORE UPDATE OR DELETE ON purchase_step
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
