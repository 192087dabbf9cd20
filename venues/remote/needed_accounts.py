"""Which of the token accounts that a venue proposes to make aren't there yet: each instruction takes bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from time import monotonic

from solders.instruction import Instruction

from venues.account_reader import AccountReader

ATA_PROGRAM = "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL"
MOST_STEPS = 16
"""A proposal with more to prepare won't fit: it isn't looked at, as each account takes a call to the node."""
# An account that is there may be closed by its owner.
_KNOWN_S = 60.0


class NeededAccounts:
    """Reads through ``reader`` which associated token accounts there are."""

    def __init__(self, reader: AccountReader) -> None:
        self._reader = reader
        self._seen: dict[str, float] = {}
        self._reading: dict[str, asyncio.Task[None]] = {}

    async def needed(self, setup: Sequence[Instruction], owner: str) -> list[Instruction]:
        """``setup`` without what makes an account of ``owner`` that is there; raises what the reader raises."""
        if len(setup) > MOST_STEPS:
            return list(setup)
        made = {at: address for at, one in enumerate(setup) if (address := _made(one, owner))}
        there = await self.there(made.values())
        return [one for at, one in enumerate(setup) if made.get(at) not in there]

    async def there(self, addresses: Iterable[str]) -> set[str]:
        """Those of ``addresses`` that are there, known or asked for in one call, which many orders may share."""
        wanted = set(addresses)
        unknown = [one for one in wanted if not self._is_known(one)]
        if asked := [one for one in unknown if one not in self._reading]:
            reading = asyncio.create_task(self._read(asked))
            reading.add_done_callback(lambda done: self._has_read(asked, done))
            self._reading |= dict.fromkeys(asked, reading)
        for reading in {self._reading[one] for one in unknown}:
            await asyncio.shield(reading)
        return {one for one in wanted if self._is_known(one)}

    def _is_known(self, address: str) -> bool:
        return monotonic() - self._seen.get(address, -_KNOWN_S) < _KNOWN_S

    async def _read(self, addresses: Sequence[str]) -> None:
        found = await self._reader.accounts(addresses)
        self._seen |= {one: monotonic() for one, data in zip(addresses, found.data, strict=True) if data}

    def _has_read(self, addresses: Sequence[str], done: asyncio.Task[None]) -> None:
        for address in addresses:
            self._reading.pop(address, None)
        # Marks an error as seen: each waiter raises it, and there may be none left.
        _ = done.cancelled() or done.exception()


def _made(instruction: Instruction, owner: str) -> str | None:
    """The token account of ``owner`` that it makes, if that is all it does."""
    accounts = instruction.accounts
    if str(instruction.program_id) != ATA_PROGRAM or len(accounts) < 3 or str(accounts[2].pubkey) != owner:
        return None
    return str(accounts[1].pubkey)
