-- How many seconds the device's clock was ahead of the server's when the session began: by that, proofs that are dated
-- ahead are told from those of a clock that is off.
ALTER TABLE token_family ADD COLUMN clock_ahead BIGINT NOT NULL DEFAULT 0;
