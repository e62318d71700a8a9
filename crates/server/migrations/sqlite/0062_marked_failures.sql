-- How many of a visit's failures were marked at an account when they happened: whoever is recognised at its end is marked
-- with the others alone.
ALTER TABLE sign_in_visit ADD COLUMN marked INTEGER NOT NULL DEFAULT 0;
