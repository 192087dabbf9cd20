"""Address lookup tables as the chain itself shows them: never as a venue says, which could hide an account behind one.

A table only grows until it is given up, so what was read once stays true, and an index never changes its meaning.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from itertools import islice

from solders.address_lookup_table_account import AddressLookupTable, AddressLookupTableAccount
from solders.pubkey import Pubkey

from chains import answers
from chains.endpoint import Endpoint

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

    async def get(self, addresses: Iterable[str]) -> list[AddressLookupTableAccount]:
        """Those of the first ``MOST_TABLES`` of ``addresses`` that are tables; raises what ``read`` raises."""
        found = []
        for address in islice(dict.fromkeys(addresses), MOST_TABLES):
            if not _is_address(address):
                continue
            known = self._known.get(address)
            if known is None:
                read = await self._read(address)
                if read is None:
                    continue
                if len(self._known) >= _MOST_KEPT:
                    self._known.clear()
                known = self._known[address] = tuple(map(Pubkey.from_string, read))
            found.append(AddressLookupTableAccount(Pubkey.from_string(address), list(known)))
        return found


def _is_address(text: str) -> bool:
    try:
        Pubkey.from_string(text)
    except ValueError:
        return False
    return True
