"""What the processes of an engine use, from the kernel's own counters in /proc.

Processor time is the scheduler's (`schedstat`, nanoseconds), so what else the machine does falls on waiting, not on it.
Memory is PSS: a page that n processes share counts a n-th in each.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
_TICK = 1 / os.sysconf("SC_CLK_TCK")
# They end between being listed and being read.
_GONE = (FileNotFoundError, ProcessLookupError)


@dataclass(frozen=True, slots=True)
class Sample:
    """Seconds of processor time until ``at`` (monotonic), by name of the process; of the machine, busy and in all.

    ``own`` is this process's, before it took the sample and after: taking one is no part of what is measured.
    """

    at: float
    seconds: dict[str, float]
    own: tuple[float, float]
    busy: float
    whole: float


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used between two samples: ``seconds`` by process in ``wall`` seconds; ``busy``, 0 to 1, of all cores."""

    wall: float
    seconds: dict[str, float]
    busy: float

    @property
    def total(self) -> float:
        return sum(self.seconds.values())

    def percent(self, name: str) -> float:
        """Of one core."""
        return 100 * self.seconds.get(name, 0.0) / self.wall

    def by_size(self) -> list[tuple[str, float]]:
        """Processes with what they used, the largest first."""
        return sorted(self.seconds.items(), key=lambda item: -item[1])


def sample(roots: Iterable[int]) -> Sample:
    """What ``roots`` and all below them have used, and this process."""
    begun = time.process_time()
    seconds = defaultdict[str, float](float)
    for pid in family(roots):
        with suppress(*_GONE):
            seconds[name_of(pid)] += _seconds(pid)
    machine = _machine()
    return Sample(time.monotonic(), seconds, (begun, time.process_time()), *machine)


def between(first: Sample, last: Sample, client: str = "client") -> Usage:
    """This process is among them under the name ``client``, unless that is empty.

    A process that ended meanwhile is in its parent's figures, once the parent has waited for it.
    """
    used = {name: spent - first.seconds.get(name, 0.0) for name, spent in last.seconds.items()}
    if client:
        used[client] = last.own[0] - first.own[1]
    whole = last.whole - first.whole
    return Usage(last.at - first.at, used, (last.busy - first.busy) / whole if whole else 0.0)


def family(roots: Iterable[int]) -> list[int]:
    """``roots`` and every process below them."""
    children: dict[int, list[int]] = {}
    for pid in _all():
        with suppress(*_GONE):
            children.setdefault(int(_stat(pid)[1]), []).append(pid)
    found, left = [], list(roots)
    while left:
        pid = left.pop()
        found.append(pid)
        left += children.get(pid, ())
    return found


def memory(roots: Iterable[int]) -> dict[str, float]:
    """PSS in MB by name."""
    found = defaultdict[str, float](float)
    for pid in family(roots):
        with suppress(*_GONE):
            lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
            found[name_of(pid)] += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
    return dict(found)


def name_of(pid: int) -> str:
    """The role of a process of ours, else the program's name; servers of several processes have one name."""
    words = (PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
    return role(words, (PROC / str(pid) / "comm").read_text().strip())


def role(words: list[str], program: str) -> str:
    """From its command line and the kernel's name for it."""
    for at, word in enumerate(words[:-1]):
        if word.endswith("/surefill") and words[at + 1]:
            # `surefill run core`: what it runs says more.
            return words[at + 2] if words[at + 1] == "run" and words[at + 2 :] else words[at + 1]
        if word.endswith("server.js"):
            return words[at + 1] or program
        if word == "-m" and words[at + 1].startswith("bench."):
            return words[at + 1].rpartition(".")[2]
    return program


def _all() -> Iterator[int]:
    return (int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third, the state, on: the second, a name in brackets, may hold anything."""
    return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def _seconds(pid: int) -> float:
    """Its threads' time, and that of its children that have ended."""
    nanoseconds = 0
    for thread in (PROC / str(pid) / "task").iterdir():
        with suppress(*_GONE):
            nanoseconds += int((thread / "schedstat").read_text().split()[0])
    ended = _stat(pid)[13:15]
    return nanoseconds / 1e9 + sum(map(int, ended)) * _TICK


def _machine() -> tuple[float, float]:
    """Seconds that all cores were busy, and all seconds."""
    user, nice, system, idle, iowait, *rest = map(int, (PROC / "stat").read_text().split("\n", 1)[0].split()[1:9])
    busy = user + nice + system + sum(rest)
    return busy * _TICK, (busy + idle + iowait) * _TICK
