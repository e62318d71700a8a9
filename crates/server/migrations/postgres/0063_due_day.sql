-- A payment to a card is due on the same day of every month, which follows from the day on which its cycles close. What a
-- statement says stays as it is.
UPDATE card SET terms = jsonb_set(terms::jsonb, '{due}', jsonb_build_object('day_of_month',
  (terms::jsonb ->> 'closing_day')::int + CASE WHEN (terms::jsonb ->> 'closing_day')::int > 6 THEN -6 ELSE 22 END))::text;
-- The job tells the devices, and goes on waiting for the end of the cycle.
UPDATE job SET due_at = 0 WHERE kind = 'close';
