"""The command side: the only door through which anything is appended to the log."""
