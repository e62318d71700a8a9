-- A payment method pays in any currency, so a place of its ledger holds each by itself. One statement: no moment is without
-- a key.
ALTER TABLE place_balance DROP CONSTRAINT place_balance_pkey,
  ADD PRIMARY KEY (holder_id, account_id, place, currency);
