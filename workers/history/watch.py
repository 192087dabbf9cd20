"""Compares the wallet's history with the log: once before anything is signed, and again every half a minute.

What was in flight when the process before this one ended may land a little later: an endpoint counts only once it has
come some blocks further than at the start, where the log has anything that could end. What lands later still is found
by the next comparison, and meanwhile the orders' guards forbid a second success.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import structlog

from chains.wallet_history import Tip
from commands.accounts import Accounts, Behind
from commands.foreign import ForeignTransactions
from event_store.processors.leases import Lease
from event_store.read.log import Log
from workers.errors import TRANSIENT_ERRORS
from workers.history.heights import Heights
from workers.history.reader import HistoryReader, Reading
from workers.history.table import HistoryTable
from workers.metrics import HISTORY_HEIGHT

HISTORY = "wallet history"
"""The processor that compares: under its lease."""

# Signing waits for it at the start: an endpoint that hangs is left out, until it answers.
PATIENCE_S = 3.0
STUCK_S = 30.0
"""So long a chain takes for a few blocks at most."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between two comparisons, and after one that failed; by how many blocks the chain first has to grow."""

    every: float = 30.0
    again: float = 0.5
    blocks: int = 8


class HistoryWatch:
    """``wanted`` is set where a process that begins waits for a comparison. A log that is behind is so for every
    account: it is recorded for ``log_account``, where that isn't the wallet's own.
    """

    def __init__(
        self,
        reader: HistoryReader,
        table: HistoryTable,
        events: Log,
        accounts: Accounts,
        foreign: ForeignTransactions,
        account_id: UUID,
        wanted: asyncio.Event,
        pace: Pace | None = None,
        *,
        log_account: UUID | None = None,
    ) -> None:
        self._reader = reader
        self._table = table
        self._events = events
        self._accounts = accounts
        self._foreign = foreign
        self._account_id = account_id
        self._log_account = log_account or account_id
        self._wanted = wanted
        self._pace = pace or Pace()
        self._begun = Heights()
        self._further: int | None = None
        self._waits_since = math.inf
        self._said = ""

    async def run(self, lease: Lease) -> None:
        """Until it is cancelled or the lease is lost. Where the log lacks something the account is halted."""
        await self._foreign.settle(self._account_id)
        while True:
            self._wanted.clear()
            done = await self._try(lease)
            if done:
                await self._pause(self._pace.every)
            else:
                await asyncio.sleep(self._pace.again)

    async def _try(self, lease: Lease) -> bool:
        try:
            return await self._compare(lease)
        except TRANSIENT_ERRORS as error:
            self._say(f"{type(error).__name__}: {error}"[:200])
            return False

    async def _compare(self, lease: Lease) -> bool:
        """Whether it was completed: the main endpoint was read to the end, and nothing was found."""
        answered = await self._reader.tips("confirmed", patience=PATIENCE_S)
        self._begun.take(answered)
        head = await self._events.head()
        if self._further is None:
            self._further = self._pace.blocks if head else 0
        tips = {name: tip for name, tip in answered.items() if self._begun.is_past(name, tip, self._further)}
        if self._reader.main not in tips:
            self._wait(answered)
            return False
        self._waits_since = math.inf
        comparison = await self._table.begin(lease)
        reading = await self._reader.read("confirmed", tips, comparison.marks)
        if reading.found or reading.reclaims:
            await self._found(reading, comparison.position)
            return True
        self._say("; ".join(reading.problems))
        if self._reader.main not in reading.read:
            return False
        await self._table.complete(lease, comparison.number, head, reading.marks)
        self._show(tips, reading)
        return True

    def _wait(self, answered: Mapping[str, Tip]) -> None:
        main, now = self._reader.main, time.monotonic()
        self._waits_since = min(self._waits_since, now)
        if main not in answered:
            self._say(f"{main} does not answer")
        elif now - self._waits_since > STUCK_S:
            self._say(f"{main} does not come {self._further} blocks further")

    async def _found(self, reading: Reading, sure: int) -> None:
        """Halt: the log was put back, or isn't alone. ``sure`` is the last position known to be of one log alone."""
        # As any endpoint shows it: that takes no agreement, since nothing but a halt follows from it.
        orders = [next(iter(shown.values())) for shown in reading.found.values()]
        reclaims = [next(iter(shown.values())) for shown in reading.reclaims.values()]
        found = sorted(
            [(one.slot, f"{one.signature} of order {one.order_id}") for one in orders]
            + [(one.slot, f"{one.signature} of reclaim {one.reclaim_id}") for one in reclaims]
        )
        others = f" and {len(found) - 1} more" if found[1:] else ""
        reason = (
            f"the wallet's history has {found[0][1]}{others}, which the log doesn't know: it has lost its end, or "
            "another engine signs with the same wallet"
        )
        if await self._accounts.found_behind(self._log_account, Behind(reason, sure)):
            log.critical("the log is behind, and nothing is traded", reason=reason, remedy="run surefill recover")

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wanted.wait()
        except TimeoutError:
            pass

    def _show(self, tips: dict[str, Tip], reading: Reading) -> None:
        HISTORY_HEIGHT.set(min(tips[name].height for name in reading.read))

    def _say(self, problem: str) -> None:
        """Once, while it stays the same."""
        if problem and problem != self._said:
            log.warning("the wallet's history can't be read everywhere", reason=problem)
        self._said = problem
