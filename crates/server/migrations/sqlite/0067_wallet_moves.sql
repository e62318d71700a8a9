-- Devices get each move of a wallet as a record of its own (kind 20): also what moved before, as one commit of its account.
UPDATE holder SET feed_number = feed_number + 1
  WHERE EXISTS (SELECT 1 FROM wallet_move m WHERE m.holder_id = holder.holder_id);
INSERT INTO record (holder_id, kind, item_id, item_day, number, changed_at, gone, body)
  SELECT m.holder_id, 20, m.move_id, '', h.feed_number, m.moved_at, 0, json_object(
    'card', lower(substr(hex(m.card_id), 1, 8) || '-' || substr(hex(m.card_id), 9, 4) || '-' || substr(hex(m.card_id), 13, 4)
      || '-' || substr(hex(m.card_id), 17, 4) || '-' || substr(hex(m.card_id), 21)),
    'at', strftime('%Y-%m-%dT%H:%M:%S', m.moved_at / 1000000, 'unixepoch') || printf('.%06dZ', m.moved_at % 1000000),
    'id', lower(substr(hex(m.move_id), 1, 8) || '-' || substr(hex(m.move_id), 9, 4) || '-' || substr(hex(m.move_id), 13, 4)
      || '-' || substr(hex(m.move_id), 17, 4) || '-' || substr(hex(m.move_id), 21)),
    'kind', m.kind,
    'amount', json_object('minor', m.amount_minor, 'currency', c.currency),
    'description', m.description,
    'because', json(CASE WHEN m.below_minor IS NULL THEN NULL ELSE json_object(
      'had', json_object('minor', m.had_minor, 'currency', c.currency),
      'below', json_object('minor', m.below_minor, 'currency', c.currency)) END),
    'on', m.moved_on)
  FROM wallet_move m
  JOIN card c ON c.holder_id = m.holder_id AND c.card_id = m.card_id
  JOIN holder h ON h.holder_id = m.holder_id;
