"""Why there is no checkpoint, and no witness, each in one sentence."""


class CheckpointError(Exception):
    """A checkpoint cannot be taken or written."""


class InvalidCheckpointError(CheckpointError):
    """A file isn't a whole checkpoint of this version."""


class UnreadableWitnessError(Exception):
    """The witness is there and isn't a whole one of this version: nobody can tell by it how far the log had come."""
