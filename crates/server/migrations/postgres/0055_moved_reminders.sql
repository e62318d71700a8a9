-- The day that a reminder spoke of, where its due date had been moved to it.
ALTER TABLE email_reminder ADD COLUMN moved_to TEXT;
