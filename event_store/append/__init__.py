"""Writing the log: requests grouped into one statement, an outcome for each."""
