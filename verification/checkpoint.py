"""A checkpoint: what the log was at a position, in a file to keep where whoever could change the log can't reach it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from chains.durable_file import write_durably
from event_store.hash_chain.verification import LogCheckpoint, log_checkpoint, verify_positions
from event_store.read.snapshot import Snapshot
from verification.errors import CheckpointError, InvalidCheckpointError
from verification.report import Track

FORMAT = "surefill-checkpoint-1"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """``hash`` is the log's running hash after ``position``, ``genesis_hash`` that after position 1 (empty: no event),
    ``streams`` how many there were; hashes in hex, ``taken_at`` in UTC.
    """

    format: str
    position: int
    hash: str
    genesis_hash: str
    streams: int
    taken_at: str

    @property
    def mark(self) -> LogCheckpoint:
        return LogCheckpoint(self.position, bytes.fromhex(self.hash), bytes.fromhex(self.genesis_hash), self.streams)

    def text(self) -> str:
        """The file: the fields, and the sha256 of them as JSON with sorted keys and no spaces."""
        return json.dumps({**asdict(self), "sha256": self._sum()}, indent=2) + "\n"

    def _sum(self) -> str:
        return sha256(json.dumps(asdict(self), sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def read(file: Path) -> Checkpoint:
    """Raises InvalidCheckpointError, one sentence, for what isn't a whole checkpoint."""
    try:
        fields = json.loads(file.read_text())
        own = fields.pop("sha256")
        found = Checkpoint(**fields)
        _ = found.mark
    except OSError as error:
        raise InvalidCheckpointError(f"the checkpoint {file} cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise InvalidCheckpointError(f"{file} is not a checkpoint") from None
    if found.format != FORMAT:
        raise InvalidCheckpointError(f"{file} is a checkpoint of another version: {found.format}")
    if own != found._sum():
        raise InvalidCheckpointError(
            f"the checkpoint {file} is damaged or was edited: its sha256 is not that of its fields"
        )
    return found


def take(snapshot: Snapshot, now: datetime, earlier: Checkpoint | None, track: Track) -> Checkpoint:
    """The log's checkpoint as of now. Raises CheckpointError where it doesn't hold together, or isn't what it was."""
    head = snapshot.head()
    for finding in verify_positions(
        track(snapshot.links(head.position), head.position, "positions"), head, earlier.mark if earlier else None
    ):
        where = "" if finding.position is None else f" (position {finding.position})"
        raise CheckpointError(f"no checkpoint of a log that does not hold: {finding.what}{where}; run surefill verify")
    mark = log_checkpoint(
        track(snapshot.links(head.position), head.position, "hash"), snapshot.stream_count(head.position)
    )
    return Checkpoint(FORMAT, mark.position, mark.hash.hex(), mark.genesis_hash.hex(), mark.streams, now.isoformat())


def earlier(file: Path) -> Checkpoint | None:
    """The checkpoint that is there already; None where there is no file. What isn't one is never overwritten."""
    return read(file) if file.exists() else None


def write(checkpoint: Checkpoint, file: Path) -> None:
    """Whole or not at all, and durable. Raises CheckpointError where a newer one stands, or it can't be written."""
    standing = earlier(file)
    if standing and standing.position > checkpoint.position:
        raise CheckpointError(
            f"{file} holds a newer checkpoint, of position {standing.position}; this one is of {checkpoint.position}"
        )
    try:
        write_durably(file, checkpoint.text())
    except OSError as error:
        raise CheckpointError(f"the checkpoint {file} cannot be written: {error.strerror}") from None
