"""Identities made at the edge."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from uuid import UUID, uuid5

from domain.directory import DEFAULT_ACCOUNT

_TIME_ORDERED = 7
# Random bytes are taken from the system so many at a time: each time costs as much as making several ids.
_POOL_BYTES = 4_000
_RANDOM_BYTES = 10

__all__ = ["DEFAULT_ACCOUNT", "list_id", "made_at", "now", "order_id", "uuid7"]


class _Pool:
    """Random numbers of 80 bits, each given once. A forked process takes new ones."""

    def __init__(self) -> None:
        self._left: list[int] = []
        os.register_at_fork(after_in_child=self._left.clear)

    def take(self) -> int:
        while True:
            try:
                return self._left.pop()
            except IndexError:  # also where another thread took the last one
                taken = os.urandom(_POOL_BYTES)
                starts = range(0, _POOL_BYTES, _RANDOM_BYTES)
                self._left += [int.from_bytes(taken[start : start + _RANDOM_BYTES]) for start in starts]


_random = _Pool()


def uuid7() -> UUID:
    """A time-ordered UUID (RFC 9562, version 7): 48 bits of unix milliseconds, 74 random ones."""
    milliseconds = time.time_ns() // 1_000_000
    random = _random.take()
    value = (milliseconds & (2**48 - 1)) << 80 | 7 << 76 | (random >> 68) << 64 | 2 << 62 | random & (2**62 - 1)
    return UUID(int=value)


def made_at(event_id: UUID) -> datetime | None:
    """When a time-ordered UUID was made, by its maker's clock; None of another version, which doesn't tell."""
    if event_id.version != _TIME_ORDERED:
        return None
    return datetime.fromtimestamp((event_id.int >> 80) / 1_000, UTC)


def now() -> datetime:
    """The time of whoever records something, UTC."""
    return datetime.now(UTC)


def list_id(account_id: UUID, client_list_id: str | None) -> UUID:
    """The id of a list of orders: the same one whenever the same account sends the same client list id."""
    return uuid7() if client_list_id is None else uuid5(account_id, f"list:{client_list_id}")


def order_id(account_id: UUID, client_order_id: str | None) -> UUID:
    """The order's id: the same one whenever the same account sends the same client order id."""
    return uuid7() if client_order_id is None else uuid5(account_id, f"coid:{client_order_id}")
