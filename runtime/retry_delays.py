"""How long to wait before a server that didn't answer is asked again."""

from __future__ import annotations

from collections.abc import Iterator

FIRST_S = 0.25
LONGEST_S = 5.0


def retry_delays() -> Iterator[float]:
    """Seconds, doubling up to ``LONGEST_S``, without end."""
    delay = FIRST_S
    while True:
        yield delay
        delay = min(2 * delay, LONGEST_S)
