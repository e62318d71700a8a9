-- When the proof that a refresh token was used with last was made, in seconds by the device's own clock: a request from before
-- it only arrived late.
ALTER TABLE token_pair ADD COLUMN refresh_proof_at INTEGER;
