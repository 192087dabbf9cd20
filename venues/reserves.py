"""What the vaults of all pools hold, read once for everybody who asks at about the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

from venues.account_reader import AccountReader

MAX_AGE_S = 0.1
# While somebody asked within this time, the next read is made before the last one is too old. Reads that nobody uses
# cost a node's allowance: so it is as short as serves those who come at least ten times a second.
KEPT_WARM_S = 0.1
# A read that takes longer than this is not waited for by those who come now: they begin another.
_SHARED_S = 1.0
_AMOUNT = slice(64, 72)  # of an SPL token account


@dataclass(frozen=True, slots=True)
class Reserves:
    """The amount in each vault, in base units, as of one ``slot``; a vault that isn't there holds nothing."""

    slot: int
    amounts: dict[str, int]


async def read_reserves(reader: AccountReader, vaults: Sequence[str]) -> Reserves:
    """Read ``vaults`` now; raises what the reader raises."""
    if not vaults:
        return Reserves(0, {})
    answer = await reader.accounts(vaults)
    amounts = (int.from_bytes(data[_AMOUNT], "little") if data else 0 for data in answer.data)
    return Reserves(answer.slot, dict(zip(vaults, amounts, strict=True)))


class ReservesCache:
    """The reserves of ``vaults``, from a read that began at most ``max_age`` seconds ago.

    Callers at the same time share one read. While it is used it reads ahead of them, so that they need not wait;
    nobody asks for ``KEPT_WARM_S`` seconds, and it is silent. 0 seconds keeps nothing and reads for each caller.
    """

    def __init__(self, reader: AccountReader, vaults: Sequence[str], max_age: float = MAX_AGE_S) -> None:
        self.vaults = tuple(vaults)
        self._reader = reader
        self._max_age = max_age
        self._held = Reserves(0, {})
        self._read_at = -max_age
        self._used_at = 0.0
        self._reading: asyncio.Task[Reserves] | None = None
        self._reading_began = 0.0
        self._warming: asyncio.Task[None] | None = None

    async def latest(self, *, keep_warm: bool = True) -> Reserves:
        """Raises what the reader raises. ``keep_warm`` is for callers who will ask again and can't say when."""
        if not self._max_age:
            return await read_reserves(self._reader, self.vaults)
        held = self._held if monotonic() - self._read_at < self._max_age else await self._read()
        if keep_warm:
            self._used_at = monotonic()
            if self._warming is None or self._warming.done():
                self._warming = asyncio.create_task(self._warm())
        return held

    async def _read(self) -> Reserves:
        if self._reading is None or self._reading.done() or monotonic() - self._reading_began > _SHARED_S:
            self._reading_began = monotonic()
            self._reading = asyncio.create_task(self._read_now())
            # Marks an error as seen: each waiter raises it, and there may be none left.
            self._reading.add_done_callback(lambda done: done.cancelled() or done.exception())
        # A caller who is cancelled doesn't cancel the read for the others.
        return await asyncio.shield(self._reading)

    async def _read_now(self) -> Reserves:
        began = monotonic()
        read = await read_reserves(self._reader, self.vaults)
        if began > self._read_at:
            self._held, self._read_at = read, began
        return read

    async def _warm(self) -> None:
        while True:
            await asyncio.sleep(max(0.0, self._read_at + self._max_age / 2 - monotonic()))
            if monotonic() - self._used_at > KEPT_WARM_S:
                return
            if monotonic() - self._read_at < self._max_age / 2:
                continue  # somebody else has read meanwhile
            try:
                await self._read()
            except Exception:  # noqa: BLE001 - who asks next reads again, and gets the error
                return
