"""The engine's processes as `ps` shows them."""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import dataclass


@dataclass(frozen=True)
class Process:
    pid: int
    parent: int
    command: str

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        os.kill(self.pid, number)


def all_processes() -> list[Process]:
    shown = subprocess.run(
        ["ps", "-axww", "-o", "pid=,ppid=,stat=,command="], check=True, capture_output=True, text=True
    )
    rows = (line.split(None, 3) for line in shown.stdout.splitlines())
    return [Process(int(row[0]), int(row[1]), row[3]) for row in rows if len(row) == 4 and "Z" not in row[2]]


def descendants(pid: int) -> list[Process]:
    """Every process below ``pid``, itself not counted."""
    processes = all_processes()
    found: list[Process] = []
    parents = {pid}
    while parents:
        below = [one for one in processes if one.parent in parents]
        found += below
        parents = {one.pid for one in below}
    return found


def role(pid: int, name: str) -> list[Process]:
    """The processes of one role below ``pid``."""
    return [one for one in descendants(pid) if one.command.endswith(f"surefill {name}")]
