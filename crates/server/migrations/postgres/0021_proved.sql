-- A passkey was shown in this visit, and so for the code that it ends with: the device's payments begin a session with it.
ALTER TABLE sign_in_visit ADD COLUMN proved BIGINT NOT NULL DEFAULT 0;
ALTER TABLE authorization_code ADD COLUMN proved BIGINT NOT NULL DEFAULT 0;

-- What was decided about a payment is looked up when it is asked about again.
CREATE INDEX risk_decision_by_subject ON risk_decision (holder_id, subject_id);
