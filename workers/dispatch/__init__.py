"""Which order needs which work next, and how it reaches an actor: rows, Dramatiq, the sweeper."""
