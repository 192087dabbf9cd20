"""What a figure is worth nothing without: the machine, the versions, the durability, what else was going on."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from bench.processes import between, sample

HERE = Path(__file__).parents[1]
_SETTINGS = ("fsync", "synchronous_commit", "shared_buffers", "server_version")
_OVER_S = 2.0


def machine() -> dict[str, str]:
    """Said once for all lanes."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "revision": _revision(),
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{memory:.1f} GiB",
        "system": platform.platform(),
        "python": platform.python_version(),
        "node": _output("node", "--version") or "none",
        "load before": f"{os.getloadavg()[0]:.2f} (one minute's average)",
        "busy before": f"{100 * _busy():.0f} % of all cores, over {_OVER_S:g} s",
    }


def database(conninfo: str) -> dict[str, str]:
    """PostgreSQL's version and what decides whether a commit is on the disk."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        rows = connection.execute("select name, setting from pg_settings where name = any(%s)", [list(_SETTINGS)])
        found: dict[str, str] = dict(rows.fetchall())
    return {
        "postgresql": found["server_version"],
        "fsync": found["fsync"],
        "synchronous_commit": found["synchronous_commit"],
        "shared_buffers": f"{int(found['shared_buffers']) * 8 // 1024} MB",
    }


def _busy() -> float:
    """How busy all cores are, before anything of ours is: 0 to 1."""
    first = sample([])
    time.sleep(_OVER_S)
    return between(first, sample([])).busy


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def _revision() -> str:
    changed = (
        " with changes" if _output("git", "-C", str(HERE), "status", "--porcelain", "--untracked-files=no") else ""
    )
    return (_output("git", "-C", str(HERE), "rev-parse", "--short", "HEAD") or "unknown") + changed


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (FileNotFoundError, subprocess.CalledProcessError):
        return ""
