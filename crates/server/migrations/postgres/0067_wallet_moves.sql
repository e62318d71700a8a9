-- Devices get each move of a wallet as a record of its own (kind 20): also what moved before, as one commit of its account.
UPDATE holder SET feed_number = feed_number + 1
  WHERE EXISTS (SELECT 1 FROM wallet_move m WHERE m.holder_id = holder.holder_id);
INSERT INTO record (holder_id, kind, item_id, item_day, number, changed_at, gone, body)
  SELECT m.holder_id, 20, m.move_id, '', h.feed_number, m.moved_at, 0, json_build_object(
    'card', m.card_id,
    'at', to_char(to_timestamp(m.moved_at / 1000000) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')
      || '.' || lpad((m.moved_at % 1000000)::text, 6, '0') || 'Z',
    'id', m.move_id,
    'kind', m.kind,
    'amount', json_build_object('minor', m.amount_minor, 'currency', c.currency),
    'description', m.description,
    'because', CASE WHEN m.below_minor IS NULL THEN NULL ELSE json_build_object(
      'had', json_build_object('minor', m.had_minor, 'currency', c.currency),
      'below', json_build_object('minor', m.below_minor, 'currency', c.currency)) END,
    'on', m.moved_on)::text
  FROM wallet_move m
  JOIN card c ON c.holder_id = m.holder_id AND c.card_id = m.card_id
  JOIN holder h ON h.holder_id = m.holder_id;
