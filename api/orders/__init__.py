"""Orders over REST: submit, read, list, replay."""
