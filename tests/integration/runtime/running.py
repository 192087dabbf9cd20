"""Starts and ends the small engine, and looks at what it left."""

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

ROOT = Path(__file__).parents[3]
MODULE = "tests.integration.runtime.small_engine"


@dataclass
class Engine:
    process: "subprocess.Popen[str]"
    told: dict[str, Any]

    def now(self) -> dict[str, int]:
        """Its children's process ids by now."""
        self.process.send_signal(signal.SIGHUP)
        assert self.process.stdout
        self.told = json.loads(self.process.stdout.readline())
        processes: dict[str, int] = self.told["processes"]
        return processes

    def query(self, statement: str, *, role: str = "postgres") -> list[tuple[Any, ...]]:
        with psycopg.connect(self.told[role], connect_timeout=2) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []


def start(data_dir: Path, *, python: str = sys.executable, user: int | None = None) -> Engine:
    process = launch(data_dir, python=python, user=user)
    assert process.stdout
    line = process.stdout.readline()
    if not line:
        raise AssertionError(f"it did not start: {process.communicate()[1]}")
    return Engine(process, json.loads(line))


def launch(data_dir: Path, *, python: str = sys.executable, user: int | None = None) -> "subprocess.Popen[str]":
    packages = sysconfig.get_paths()["purelib"]
    return subprocess.Popen(
        [python, "-m", MODULE, str(data_dir)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, user=user, group=user, cwd=data_dir.parent,
        extra_groups=None if user is None else [],
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{packages}", "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip


def at_work_in(data_dir: Path) -> list[str]:
    """Every process that has its working directory below `data_dir`, zombies excepted: all children have."""
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdecimal():
            continue
        try:
            if (process / "cwd").resolve(strict=True).is_relative_to(data_dir):
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


def eventually(holds: Callable[[], object], *, within: float = 10.0) -> None:
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold"
        time.sleep(0.02)


def ordinary() -> tuple[str, int]:
    """An interpreter an ordinary user may run, and that user's uid."""
    account = pwd.getpwnam("daemon")
    for python in (sys.executable, shutil.which("python3", path="/usr/bin:/usr/local/bin") or ""):
        probe = f"import sys, runtime; assert sys.version_info[:2] == {sys.version_info[:2]}"
        try:
            done = subprocess.run(
                [python, "-c", probe],
                user=account.pw_uid,
                capture_output=True,
                cwd="/",
                env={"PYTHONPATH": str(ROOT)},
                check=False,
            )
        except OSError:
            continue
        if done.returncode == 0:
            return python, account.pw_uid
    pytest.skip("this checkout lies where no ordinary user may read it")
