"""Accounts and keys as aggregates of the ``eventsourcing`` library, in the same log as everything else."""
