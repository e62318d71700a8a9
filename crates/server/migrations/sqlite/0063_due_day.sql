-- A payment to a card is due on the same day of every month, which follows from the day on which its cycles close. What a
-- statement says stays as it is.
UPDATE card SET terms = json_set(terms, '$.due', json_object('day_of_month',
  json_extract(terms, '$.closing_day') + CASE WHEN json_extract(terms, '$.closing_day') > 6 THEN -6 ELSE 22 END));
-- The job tells the devices, and goes on waiting for the end of the cycle.
UPDATE job SET due_at = 0 WHERE kind = 'close';
