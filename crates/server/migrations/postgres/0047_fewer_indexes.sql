-- Fewer indexes: each is a page more that an order, or a decision about it, writes. What they found is found among its
-- holder's rows by the key or by a day. Indexes of decisions hold only those that are ever looked for by them.
DROP INDEX payment_by_payee;
DROP INDEX payment_by_account;
DROP INDEX risk_decision_by_device;
CREATE INDEX risk_decision_refresh ON risk_decision (holder_id, device_id, at) WHERE occasion = 'refresh';
CREATE INDEX risk_decision_asked ON risk_decision (holder_id, device_id, at) WHERE event IS NOT NULL AND mine IS NULL;
DROP INDEX risk_decision_by_subject;
CREATE INDEX risk_decision_vouched ON risk_decision (holder_id, subject_id) WHERE mine = 1;
