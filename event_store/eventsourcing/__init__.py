"""The log as a recorder of the ``eventsourcing`` library."""
