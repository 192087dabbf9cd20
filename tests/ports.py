"""A free port for a server that a test starts, and may start again."""

from __future__ import annotations

import os
import random
from itertools import cycle

from runtime.embedded.ports import LOOPBACK, is_free

# Below what the kernel gives to outgoing connections, one of which would be in the way of a server's restart, and
# below what the embedded servers choose from.
_FIRST, _END = 10_000, 20_000
_MOST_PROCESSES = 32


def _candidates() -> list[int]:
    """Other ones than any other process of the same test run has, which may not have bound its own yet; where they
    begin is by chance, for other runs.
    """
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _MOST_PROCESSES
    ports = list(range(_FIRST + process, _END, _MOST_PROCESSES))
    begin = random.SystemRandom().randrange(len(ports))
    return ports[begin:] + ports[:begin]


_ports = cycle(_candidates())


def free_port() -> int:
    """None that was given lately: each comes again after all the others."""
    return next(port for port in _ports if is_free(LOOPBACK, port))
