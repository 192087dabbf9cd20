"""Why the read side could not answer, or not go on."""

from __future__ import annotations


class SlowConsumerError(Exception):
    """The subscriber took its events more slowly than they came; it may resume after the last one it has."""


class FeedStoppedError(Exception):
    """The feed doesn't run, or not yet: nothing new would be delivered."""


class OrderUnknownError(Exception):
    """There is no such order, or it is another account's."""


class VersionAheadError(Exception):
    """The order goes on, and hasn't got as far as the version; ``newest`` is how far it has."""

    def __init__(self, newest: int) -> None:
        super().__init__(f"the order is at version {newest}")
        self.newest = newest


class TableInUseError(Exception):
    """The live table could not be had for a moment in all that time; the text names who reads it."""


class ProjectionBehindError(Exception):
    """The read model has not reached the position yet."""


class BadCursorError(ValueError):
    """Not a cursor that a list gave out."""


class VersionGapError(Exception):
    """An event came before the one it follows: rows and position don't belong together."""
