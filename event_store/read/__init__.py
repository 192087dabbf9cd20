"""Reading the log: by stream, by position, as it grows, and all of it at one moment."""
