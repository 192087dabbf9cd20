"""`surefill` forked from a process that has imported it: to import it takes most of a command's time."""

from __future__ import annotations

import atexit
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from threading import Lock
from typing import IO

from cli.main import LazyCommands, main

WITHIN_S = 120.0
_MOST_BYTES = 1 << 17  # a command and its environment


class Warm:
    """Runs one command after another; each ends as an interpreter of its own does, with its exit code."""

    def __init__(self) -> None:
        self._one_at_a_time = Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def run(
        self,
        *arguments: str,
        env: dict[str, str],
        cwd: Path,
        stdout: IO[bytes] | None = None,
        within: float = WITHIN_S,
    ) -> subprocess.CompletedProcess[str]:
        """What it wrote is in the answer, where it isn't written to ``stdout``. Raises ``TimeoutError`` for a command
        that did not end ``within`` so many seconds, and ends it.
        """
        command = json.dumps({"arguments": arguments, "env": env, "cwd": str(cwd)})
        with self._one_at_a_time, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            if self._process is None:
                self._start()
            self._asks.settimeout(within)
            socket.send_fds(self._asks, [command.encode()], [(stdout or out).fileno(), err.fileno()])
            try:
                code = int(self._asks.recv(16))
            except TimeoutError:
                self.stop()
                raise
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(arguments, code, out.read().decode(), err.read().decode())

    def _start(self) -> None:
        self._asks, asked = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with asked:
            self._process = subprocess.Popen(
                # -P: beside this file stands a folder called cli.
                [sys.executable, "-P", __file__, str(asked.fileno())],
                pass_fds=[asked.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip

    def stop(self) -> None:
        """A command that did not end in time goes with it."""
        if self._process is None:
            return
        self._asks.close()
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None


@cache
def commands() -> Warm:
    """For commands that are given arguments, settings and files, and of which nothing but their end counts: one for all
    tests of a process.
    """
    warm = Warm()
    atexit.register(warm.stop)
    return warm


def serve(asked: socket.socket) -> None:
    """Until nobody asks any more; in the forked process the command's own exit goes through here."""
    while True:
        command, descriptors, _, _ = socket.recv_fds(asked, _MOST_BYTES, 2)
        if not command:
            return
        child = os.fork()
        if not child:
            asked.close()
            _become(json.loads(command), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        _, status = os.waitpid(child, 0)
        asked.send(str(os.waitstatus_to_exitcode(status)).encode())


def _become(command: dict[str, object], out: int, err: int) -> None:
    for descriptor, place in ((out, 1), (err, 2)):
        os.dup2(descriptor, place)
        os.close(descriptor)
    os.chdir(str(command["cwd"]))
    os.environ.clear()
    os.environ.update(command["env"])  # type: ignore[call-overload]
    sys.argv = ["surefill", *command["arguments"]]  # type: ignore[misc]
    main()


if __name__ == "__main__":
    dict(LazyCommands())
    gc.freeze()
    serve(socket.socket(fileno=int(sys.argv[1])))
