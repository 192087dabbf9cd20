"""The command line: one file a command, over the engine's public API and its rooms."""
