-- Blocks that nobody asked for while they were made are written down together: `slot_us` is the time from one block of
-- such a range to the next, in microseconds. 0 in a range of a second or less: its blocks all have the time of its begin.

ALTER TABLE block_range ADD COLUMN slot_us INTEGER NOT NULL DEFAULT 0;
