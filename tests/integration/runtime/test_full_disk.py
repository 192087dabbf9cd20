"""`surefill up` where nothing more can be written: one sentence, and nothing left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ports import free_port

SUREFILL = Path(sys.executable).with_name("surefill")
# No file may have a byte: what is written fails as on a full disk.
FULL = 'ulimit -f 0 && exec "$0" "$@"'


@pytest.mark.parametrize("has_version", [True, False])
def test_a_disk_without_room_is_one_sentence(has_version: bool, tmp_path: Path) -> None:
    if has_version:
        (tmp_path / "VERSION").write_text("1.0\n")
    names = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "SOLANA_RPC_URL")
    environment = {**os.environ, **dict.fromkeys(names, ""), "DATA_DIR": str(tmp_path), "PORT": str(free_port())}

    ended = subprocess.run(
        ["/bin/sh", "-c", FULL, SUREFILL, "up"], env=environment, cwd=tmp_path, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip

    assert ended.returncode == 1
    assert "Traceback" not in ended.stdout + ended.stderr
    assert ended.stderr.splitlines()[-1] == f"surefill: DATA_DIR {tmp_path} cannot be used: File too large"
