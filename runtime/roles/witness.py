"""The witness's keeper: once a second, while the log grows, it notes outside PostgreSQL how far the log has come."""

from __future__ import annotations

import asyncio
from pathlib import Path

import structlog
from prometheus_client import Gauge

from commands.ids import DEFAULT_ACCOUNT
from event_store.processors import positions
from event_store.processors.leases import Lease
from runtime.composition import Store, lease_of
from runtime.log_behind import WITNESS, hold_against_witness
from runtime.roles.parts import Parts
from verification import witness as witnesses
from verification.witness import Witness

_POSITION = Gauge("surefill_witness_position", "Position of the log that its witness shows.")
EVERY_S = 1.0

log = structlog.get_logger(__name__)


async def run(parts: Parts) -> None:
    file = parts.settings.witness_file
    if file is None:
        await asyncio.Event().wait()
        return
    async with lease_of(parts.store, WITNESS).hold() as lease:
        await Keeper(parts.store, file).run(lease)


class Keeper:
    """Writes ``file`` under the lease. What it can't write it says once, and tries on."""

    def __init__(self, store: Store, file: Path) -> None:
        self._store = store
        self._file = file
        self._failing = False

    async def run(self, lease: Lease) -> None:
        # Again: this process may have stood by for long, and another written since.
        await hold_against_witness(self._store, self._file)
        if await self._store.accounts.unrecovered(DEFAULT_ACCOUNT):
            # What it shows is all there is to tell by. The role is about to be held back.
            await asyncio.Event().wait()
        written = await asyncio.to_thread(witnesses.read, self._file)
        await asyncio.to_thread(witnesses.remove_unfinished, self._file)
        async with self._store.pool.connection() as connection, connection.cursor() as cursor:
            stored = await positions.load(cursor, WITNESS)
        while True:
            if (following := await self._following(written)) and await self._write(following):
                written = following
                _POSITION.set(written.position)
            # After the file: where the database says that there was a witness, there was one.
            if written and written.position != stored:
                async with (
                    self._store.pool.connection() as connection,
                    connection.transaction(),
                    connection.cursor() as cursor,
                ):
                    await positions.commit(cursor, lease, stored, written.position)
                stored = written.position
            await asyncio.sleep(EVERY_S)

    async def _following(self, written: Witness | None) -> Witness | None:
        """The log's end, where it has grown since and still has what was written."""
        position, hash_ = await self._store.events.end()
        if position <= (written.position if written else 0):
            return None
        if written:
            seen = await self._store.events.hash_at(written.position)
            if seen is None or seen.hex() != written.hash:
                # Written over it, nobody would ever know: the process ends for it by itself, and is held against it.
                return None
        epochs = await self._store.accounts.epochs(DEFAULT_ACCOUNT)
        return Witness(epochs.current, position, hash_.hex())

    async def _write(self, witness: Witness) -> bool:
        try:
            await asyncio.to_thread(witnesses.write, self._file, witness)
        except OSError as error:
            if not self._failing:
                log.error("the witness can't be written", file=str(self._file), reason=error.strerror)
            self._failing = True
            return False
        self._failing = False
        return True
