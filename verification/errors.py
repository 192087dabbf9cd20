"""Why there is no checkpoint, each in one sentence."""


class CheckpointError(Exception):
    """A checkpoint cannot be taken or written."""


class InvalidCheckpointError(CheckpointError):
    """A file isn't a whole checkpoint of this version."""
