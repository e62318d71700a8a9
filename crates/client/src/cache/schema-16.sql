-- The day that a reminder spoke of; absent: the due date itself.
ALTER TABLE delivery ADD COLUMN falls_on INTEGER;
