"""A log behind the chain: found by its witness when a process starts, and nothing acts on it before it is resumed.

What was sent, cancelled or answered after the moment to which PostgreSQL was put back is unknown to the log. So the
roles that take orders on are held back; what clients read and send is served, and says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import psycopg
import structlog
from prometheus_client import Gauge
from psycopg_pool import PoolClosed

from commands.accounts import Behind
from commands.ids import DEFAULT_ACCOUNT
from domain.account import Trading
from event_store.errors import TRANSIENT_DATABASE_ERRORS, LogUnavailableError, OutcomeUnknownError
from event_store.processors import positions
from event_store.read.log import Log
from runtime.composition import Store
from verification import witness as witnesses
from verification.errors import UnreadableWitnessError
from workers.dispatch.work import Pool

WITNESS = "witness"
"""The processor that keeps the witness: under its lease, with its position in the database."""
RECOVER = "run surefill recover"

_BEHIND = Gauge("surefill_log_behind", "1 while the log counts as put back and waits for surefill recover and resume.")
LOOK_EVERY_S, RETRY_S, AGAIN_S = 1.0, 0.2, 0.5

log = structlog.get_logger(__name__)


async def hold_against_witness(store: Store, file: Path, *, keeps: bool = True) -> None:
    """Compare the log with its witness, before any role begins; a log that is behind is recorded as such and halted.

    Waits for PostgreSQL. A log that never had a witness has nothing to be compared with. Only who ``keeps`` it misses
    one: other processes may have no disk in common with it.
    """
    while True:
        try:
            behind = await behind_by(store.events, store.pool, file, keeps=keeps)
            if behind and await store.accounts.found_behind(DEFAULT_ACCOUNT, behind):
                log.error("the log is behind, and nothing is traded", reason=behind.reason, remedy=RECOVER)
            return
        except PoolClosed:
            raise
        except (*TRANSIENT_DATABASE_ERRORS, LogUnavailableError, OutcomeUnknownError) as error:
            log.warning("waiting to compare the log with its witness", error=type(error).__name__)
            await asyncio.sleep(RETRY_S)


async def behind_by(events: Log, pool: Pool, file: Path, *, keeps: bool = True) -> Behind | None:
    """What the log lacks of what its witness has seen; None where it lacks nothing."""
    end = await events.head()
    # Before the file: it is written first.
    async with pool.connection() as connection, connection.cursor() as cursor:
        had_one = await positions.load(cursor, WITNESS) > 0
    try:
        witness = witnesses.read(file)
    except UnreadableWitnessError as unreadable:
        return Behind(f"{unreadable}: nobody can tell whether the log has lost its end", end)
    if witness is None:
        missing = f"the witness {file} is missing, and the log has had one: nobody can tell whether it has lost its end"
        return Behind(missing, end) if had_one and keeps else None
    found = await events.hash_at(witness.position)
    if found is not None and found.hex() == witness.hash:
        return None
    seen = f"the witness {file} has seen position {witness.position} in epoch {witness.epoch}"
    if found is None:
        return Behind(f"{seen}, the log ends at {end}", end, witness.epoch, witness.position)
    # Where the two parted is unknown: no position that was given out before can be trusted.
    return Behind(f"{seen}, where the log has another event", 0, witness.epoch, witness.position)


class Standing:
    """Whether the log is known to be behind: looked at once a second, for the life of the process."""

    def __init__(self, trading: Callable[[], Awaitable[Trading]]) -> None:
        self._trading = trading
        self._behind = asyncio.Event()
        self._sound = asyncio.Event()

    async def look(self) -> None:
        """Raises what reading the log raises."""
        behind = (await self._trading()).behind
        _BEHIND.set(behind)
        now, before = (self._behind, self._sound) if behind else (self._sound, self._behind)
        before.clear()
        now.set()

    async def run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.look()
            except PoolClosed:
                raise
            except psycopg.Error as error:
                log.debug("whether the log is behind can't be asked", error=type(error).__name__)

    async def run_while_sound(self, work: Callable[[], Awaitable[None]]) -> None:
        """``work`` while the log isn't behind, cancelled where it is found to be and begun again after that."""
        while True:
            await self._sound.wait()
            working = asyncio.ensure_future(work())
            behind = asyncio.ensure_future(self._behind.wait())
            try:
                await asyncio.wait((working, behind), return_when=asyncio.FIRST_COMPLETED)
                if working.done():
                    return await working
            finally:
                behind.cancel()
                await _cancelled(working)


async def _cancelled(working: asyncio.Future[None]) -> None:
    """End it: cancelled again where it goes on, since ``wait_for`` of Python 3.11 may swallow one."""
    while not working.done():
        working.cancel()
        await asyncio.wait((working,), timeout=AGAIN_S)
    if not working.cancelled() and (error := working.exception()):
        log.debug("a role that was held back ended by an error", error=type(error).__name__)
