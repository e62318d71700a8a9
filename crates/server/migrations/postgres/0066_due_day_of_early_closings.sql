-- A card that closes on one of the first six days of the month is due at least 25 days later: on the same day of every month
-- still. What a statement says stays as it is.
UPDATE card SET terms = jsonb_set(terms::jsonb, '{due}', jsonb_build_object('day_of_month',
  (terms::jsonb ->> 'closing_day')::int + CASE WHEN (terms::jsonb ->> 'closing_day')::int > 3 THEN -3 ELSE 25 END))::text
  WHERE (terms::jsonb ->> 'closing_day')::int <= 6;
-- The job tells the devices, and goes on waiting for the end of the cycle.
UPDATE job SET due_at = 0 WHERE kind = 'close';
