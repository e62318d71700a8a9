-- Which folder is the rail's: the id that its marker holds. Without one no folder was used yet.
ALTER TABLE rail_book ADD COLUMN folder_id TEXT;
