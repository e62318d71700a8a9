-- The card that took the place of one that was lost: its rewards go there, also what comes of them later.
ALTER TABLE card ADD COLUMN replaced_by UUID;
-- The card of a reward's charge, where its rewards went to another one since.
ALTER TABLE reward ADD COLUMN first_card_id UUID;
CREATE INDEX reward_by_first_card ON reward (holder_id, first_card_id) WHERE first_card_id IS NOT NULL;
-- What was left of rewards when they went from one card to another; below zero when they owed more than that.
CREATE TABLE reward_transfer (
  holder_id     UUID   NOT NULL,
  from_card_id  UUID   NOT NULL,
  to_card_id    UUID   NOT NULL,
  cause_id      UUID   NOT NULL,
  amount_minor  BIGINT NOT NULL CHECK (amount_minor <> 0),
  moved_at      BIGINT NOT NULL,
  PRIMARY KEY (holder_id, from_card_id, cause_id),
  FOREIGN KEY (holder_id, from_card_id) REFERENCES card (holder_id, card_id),
  FOREIGN KEY (holder_id, to_card_id) REFERENCES card (holder_id, card_id)
);
CREATE INDEX reward_transfer_to ON reward_transfer (holder_id, to_card_id);
