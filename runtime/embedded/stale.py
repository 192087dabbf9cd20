"""Ends a PostgreSQL that still runs on the data directory although its supervisor is gone, before one is started."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

from runtime.errors import StartupError
from runtime.supervision.launch import is_alive

STOPS = ((signal.SIGINT, 2.0), (signal.SIGQUIT, 1.0), (signal.SIGKILL, 2.0))


async def end_stale_server(data: Path) -> None:
    """Stop the server `data/postmaster.pid` names, if that process is one; remove the file when it is not.

    PostgreSQL itself refuses to start as long as *some* process of its uid has that number, which after a restart of
    the machine or of a container may be anyone.
    """
    file = data / "postmaster.pid"
    if not file.exists():
        return
    number = file.read_text().partition("\n")[0]
    process = int(number) if number.isdecimal() else None  # empty after a crash at the wrong moment
    if process is None or not serves(process, data):
        file.unlink(missing_ok=True)
        return
    for ending, patience in STOPS:
        os.kill(process, ending)
        try:
            async with asyncio.timeout(patience):
                while serves(process, data):  # noqa: ASYNC110 - not our child: nobody tells us when it ends
                    await asyncio.sleep(0.05)
            return
        except TimeoutError:
            continue
    raise StartupError(f"process {process} still runs PostgreSQL on {data} and cannot be stopped")


def serves(process: int, data: Path) -> bool:
    """Whether that process is a PostgreSQL at work in `data`, where each of them has its working directory."""
    if not is_alive(process):
        return False
    if sys.platform == "linux":
        try:
            return (
                Path(f"/proc/{process}/cwd").resolve(strict=True) == data.resolve()
                and Path(f"/proc/{process}/comm").read_text().strip() == "postgres"
            )
        except OSError:  # gone meanwhile, a zombie, or another user's
            return False
    shown = subprocess.run(
        ["ps", "-o", "command=", "-p", str(process)], capture_output=True, text=True, check=False
    ).stdout
    return "postgres" in shown and str(data) in shown
