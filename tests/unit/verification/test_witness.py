"""The witness's file: whole or not at all, and what isn't a whole one is said in one sentence."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from verification import witness
from verification.errors import UnreadableWitnessError
from verification.witness import Witness

ROOT = Path(__file__).parents[3]
HASH = "ab" * 32


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    file = tmp_path / "new" / "witness"
    assert witness.read(file) is None
    witness.write(file, Witness(2, 47, HASH))
    assert witness.read(file) == Witness(2, 47, HASH)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b'{"format": "surefill-witness-1", "epoch": 1, "position": 4',
        b"\0" * 64,
        b"\xff\xfe",
        b"[]",
        b'{"format": "surefill-witness-9", "epoch": 1, "position": 4, "hash": "' + HASH.encode() + b'"}',
        b'{"format": "surefill-witness-1", "epoch": 1, "position": 4, "hash": "ab"}',
        b'{"format": "surefill-witness-1", "epoch": 1, "position": -4, "hash": "' + HASH.encode() + b'"}',
        b'{"format": "surefill-witness-1", "epoch": 1, "position": true, "hash": "' + HASH.encode() + b'"}',
        b'{"format": "surefill-witness-1", "epoch": 1, "position": 4}',
    ],
)
def test_what_is_no_whole_witness_is_one_sentence(tmp_path: Path, text: bytes) -> None:
    file = tmp_path / "witness"
    file.write_bytes(text)
    with pytest.raises(UnreadableWitnessError, match=f"the witness {file} is damaged or was cut short"):
        witness.read(file)


def test_a_file_that_cannot_be_opened_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UnreadableWitnessError, match="cannot be read: Is a directory"):
        witness.read(tmp_path)


WRITER = """
import sys
from pathlib import Path
from verification.witness import Witness, write
position = 0
while True:
    position += 1
    write(Path(sys.argv[1]), Witness(1, position, f"{position:064x}"))
    print(position, flush=True)
"""


def test_a_process_killed_in_the_middle_of_writing_leaves_a_whole_one(tmp_path: Path) -> None:
    file = tmp_path / "witness"
    for turn in range(8):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(file)],
            stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert writer.stdout
        told = int(writer.stdout.readline())
        time.sleep(0.003 * turn)
        writer.send_signal(signal.SIGKILL)
        told = max([told, *map(int, writer.stdout.read().split())])
        writer.wait()
        # Never before what its writer has heard to be written, and never a part.
        found = witness.read(file)
        assert found is not None and found.position in (told, told + 1)
        assert found.hash == f"{found.position:064x}"
    witness.remove_unfinished(file)
    assert [path.name for path in tmp_path.iterdir()] == ["witness"]
