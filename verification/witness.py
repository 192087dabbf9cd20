"""The witness: how far the log had come, in a file outside PostgreSQL.

A database that is put back to an earlier moment agrees with itself, and only something that was not put back with it
can tell. The file holds the position and the hash of an event the log once had; a log without that event has lost it,
and whatever followed.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from chains.durable_file import write_durably
from verification.errors import UnreadableWitnessError

FORMAT = "surefill-witness-1"
_HASH_BYTES = 32


@dataclass(frozen=True, slots=True)
class Witness:
    """The log's end as it was in epoch ``epoch``; ``hash`` is the event's, in hex."""

    epoch: int
    position: int
    hash: str


def read(file: Path) -> Witness | None:
    """None where there is no file. Raises ``UnreadableWitnessError``, one sentence, for what isn't a whole witness."""
    try:
        fields = json.loads(file.read_text())
        if not isinstance(fields, dict) or fields.pop("format", None) != FORMAT:
            raise ValueError
        found = Witness(**fields)
        numbers = (found.epoch, found.position)
        if not all(type(number) is int and number > 0 for number in numbers):
            raise ValueError
        if len(bytes.fromhex(found.hash)) != _HASH_BYTES:
            raise ValueError
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnreadableWitnessError(f"the witness {file} cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, RecursionError):
        raise UnreadableWitnessError(f"the witness {file} is damaged or was cut short") from None
    return found


def write(file: Path, witness: Witness) -> None:
    """Whole or not at all, and durable. Raises ``OSError``."""
    file.parent.mkdir(parents=True, exist_ok=True)
    write_durably(file, json.dumps({"format": FORMAT, **asdict(witness)}) + "\n")


def remove_unfinished(file: Path) -> None:
    """What a process that was killed in the middle of writing has left beside it. Raises ``OSError``."""
    for left in file.parent.glob(f".{file.name}.*"):
        left.unlink(missing_ok=True)
