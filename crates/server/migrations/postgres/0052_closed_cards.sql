-- A payment to a card that was lost or closed meanwhile ends without having left.
INSERT INTO payment_move (from_state, to_state) VALUES ('scheduled', 'failed'), ('held', 'failed');
