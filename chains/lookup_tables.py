"""Address lookup tables as the chain itself shows them: never as a venue says, which could hide an account behind one.

A table only grows until it is given up, so what was read once stays true, and an index never changes its meaning.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from itertools import islice

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


class LookupTableCache:
    """Tables by their addresses, each read once by ``read``; one that isn't found is asked for again each time."""

    def __init__(self, read: Callable[[str], Awaitable[tuple[str, ...] | None]]) -> None:
        self._read = read
        self._known: dict[str, tuple[Pubkey, ...]] = {}
        self._flight: SingleFlight[str, tuple[Pubkey, ...] | None] = SingleFlight()

    async def get(self, addresses: Iterable[str]) -> list[AddressLookupTableAccount]:
        """Those of the first ``MOST_TABLES`` of ``addresses`` that are tables; raises what ``read`` raises."""
        names = [one for one in islice(dict.fromkeys(addresses), MOST_TABLES) if _is_address(one)]
        if not names:  # most swaps use none, and to gather nothing takes a turn of the loop
            return []
        tables = await asyncio.gather(*(self._table(name) for name in names))
        return [
            AddressLookupTableAccount(Pubkey.from_string(name), list(held))
            for name, held in zip(names, tables, strict=True)
            if held is not None
        ]

    async def _table(self, address: str) -> tuple[Pubkey, ...] | None:
        known = self._known.get(address)
        return known if known is not None else await self._flight.run(address, lambda: self._read_once(address))

    async def _read_once(self, address: str) -> tuple[Pubkey, ...] | None:
        read = await self._read(address)
        if read is None:
            return None
        if len(self._known) >= _MOST_KEPT:
            self._known.clear()
        held = self._known[address] = tuple(map(Pubkey.from_string, read))
        return held


def _is_address(text: str) -> bool:
    try:
        Pubkey.from_string(text)
    except ValueError:
        return False
    return True
