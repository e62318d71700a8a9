-- Of what state the line was: the posted form of a purchase may have the source of a pending one that gave way to another.
ALTER TABLE replaced ADD COLUMN state INTEGER NOT NULL DEFAULT 1;
