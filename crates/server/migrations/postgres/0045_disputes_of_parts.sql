-- A purchase is disputed in parts, and again after a dispute of it was taken back.
ALTER TABLE dispute DROP CONSTRAINT dispute_holder_id_purchase_id_key;
CREATE INDEX dispute_by_purchase ON dispute (holder_id, purchase_id, opened_at);
