"""Address lookup tables as the chain itself shows them: never as a venue says, which could hide an account behind one.

A table only grows until it is given up, so what was read once stays true, and an index never changes its meaning. What
was added since is seen when it is read again: after a time, or once somebody needs an entry past its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from itertools import islice
from time import monotonic
from typing import NamedTuple

from solders.address_lookup_table_account import AddressLookupTable, AddressLookupTableAccount
from solders.pubkey import Pubkey

from chains import answers
from chains.endpoint import Endpoint
from chains.single_flight import SingleFlight

LOOKUP_TABLE_PROGRAM = "AddressLookupTab1e1111111111111111111111111"

MOST_TABLES = 16
"""A proposal that names more gains nothing by it: each takes 34 bytes, and each unknown one a call to the node."""
# A table is 8 KB at most.
_MOST_KEPT = 1_000
_NEVER = 2**64 - 1
# Seconds: a table is read again after so long, and no sooner than after so long where an entry isn't there.
MOST_AGE_S, LEAST_AGE_S = 600.0, 2.0


def addresses_of(data: bytes) -> tuple[str, ...] | None:
    """The addresses in a table's account; None where it is no table, or one that is being given up."""
    try:
        table = AddressLookupTable.deserialize(data)
    except ValueError:
        return None
    return tuple(map(str, table.addresses)) if table.meta.deactivation_slot == _NEVER else None


async def read_table(endpoint: Endpoint, address: str) -> tuple[str, ...] | None:
    """The addresses in the table at ``address``, finalized; None where there is none. Raises what the endpoint does."""
    config = {"encoding": "base64", "commitment": "finalized"}
    answer = await endpoint.call("getMultipleAccounts", [address], config, shape=answers.HELD)
    held = next(iter(answer.value), None)
    return None if held is None or held.owner != LOOKUP_TABLE_PROGRAM else addresses_of(held.data)


class _Held(NamedTuple):
    addresses: tuple[Pubkey, ...]
    read_at: float

    def serves(self, entries: int) -> bool:
        age = monotonic() - self.read_at
        return age < (MOST_AGE_S if len(self.addresses) >= entries else LEAST_AGE_S)


class LookupTableCache:
    """Tables by their addresses, as ``read`` shows them; one that isn't found is asked for again each time."""

    def __init__(self, read: Callable[[str], Awaitable[tuple[str, ...] | None]]) -> None:
        self._read = read
        self._known: dict[str, _Held] = {}
        self._flight: SingleFlight[str, tuple[Pubkey, ...] | None] = SingleFlight()

    async def get(self, addresses: Iterable[str]) -> list[AddressLookupTableAccount]:
        """Those of the first ``MOST_TABLES`` of ``addresses`` that are tables; raises what ``read`` raises."""
        return await self.with_entries(dict.fromkeys(addresses, 0))

    async def with_entries(self, used: Mapping[str, int]) -> list[AddressLookupTableAccount]:
        """The same; ``used`` says how many entries each is to have: one that was shorter may have grown."""
        names = [one for one in islice(used, MOST_TABLES) if _is_address(one)]
        if not names:  # most swaps use none, and to gather nothing takes a turn of the loop
            return []
        tables = await asyncio.gather(*(self._table(name, used[name]) for name in names))
        return [
            AddressLookupTableAccount(Pubkey.from_string(name), list(held))
            for name, held in zip(names, tables, strict=True)
            if held is not None
        ]

    async def _table(self, address: str, entries: int) -> tuple[Pubkey, ...] | None:
        known = self._known.get(address)
        if known is not None and known.serves(entries):
            return known.addresses
        return await self._flight.run(address, lambda: self._read_now(address))

    async def _read_now(self, address: str) -> tuple[Pubkey, ...] | None:
        read = await self._read(address)
        if read is None:
            self._known.pop(address, None)
            return None
        if len(self._known) >= _MOST_KEPT:
            self._known.clear()
        held = self._known[address] = _Held(tuple(map(Pubkey.from_string, read)), monotonic())
        return held.addresses


def _is_address(text: str) -> bool:
    try:
        Pubkey.from_string(text)
    except ValueError:
        return False
    return True
