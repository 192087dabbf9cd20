"""A free port for a server that a test starts, and may start again."""

from __future__ import annotations

import random

from runtime.embedded.ports import LOOPBACK, is_free

# Below what the kernel gives to outgoing connections, one of which would be in the way of a server's restart, and
# below what the embedded servers choose from.
_CANDIDATES = range(10_000, 20_000)


def free_port() -> int:
    # A generator of its own: each of several test processes has to choose otherwise, whatever they seed.
    choice = random.SystemRandom()
    return next(port for port in iter(lambda: choice.choice(_CANDIDATES), None) if is_free(LOOPBACK, port))
