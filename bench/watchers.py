"""The watchers of a measured engine: what they cost, what they count, and how they are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psycopg
from prometheus_client.parser import text_string_to_metric_families

# How far behind METRICS_PORT `up` lets the watcher and its standby show their metrics, with one worker:
# worker, projector, tracker, watcher, and the standbys of the last three.
WATCHER, STANDBY = 3, 6
PORTS = STANDBY + 1


@dataclass(frozen=True, slots=True)
class Process:
    """``memory`` is resident, in MB; ``seconds`` of processor time since it was started."""

    pid: int
    memory: int
    seconds: int


def processes(directory: Path) -> list[Process]:
    """The watchers among the children of the engine of ``directory``."""
    engine = json.loads((directory / "data" / "addresses.json").read_text())["process"]
    shown = subprocess.run(
        ["ps", "-axww", "-o", "ppid=,pid=,rss=,cputimes=,command="], check=True, capture_output=True, text=True
    )
    rows = (line.split(None, 4) for line in shown.stdout.splitlines())
    mine = [row for row in rows if int(row[0]) == engine and row[4].endswith("surefill watcher")]
    return [Process(int(pid), int(rss) // 1024, int(seconds)) for _, pid, rss, seconds, _ in mine]


def shown(metrics_port: int, name: str, label: str = "") -> list[int]:
    """A metric of each watcher, 0 where it has none; a watcher that is being started shows nothing at all."""
    found = []
    for port in (metrics_port + WATCHER, metrics_port + STANDBY):
        try:
            text = httpx2.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
        except httpx2.TransportError:
            continue
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        mine = (sample for sample in samples if sample.name == name and label in ("", *sample.labels.values()))
        found.append(sum(int(sample.value) for sample in mine))
    return found


def owner(connection: psycopg.Connection) -> int:
    """The process that holds the watcher's lease."""
    row = connection.execute("select owner from leases where processor = 'watcher'").fetchone()
    if row is None:
        raise LookupError("nobody watches")
    return int(str(row[0]).rpartition(":")[2])


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
