"""Child processes: started, watched, started again, and stopped in order."""
