"""One process and its roles: they share one loop, one feed of the log, and the connections to everything.

A role that ends by an error is begun again by itself, ever more slowly; the others go on. Where the API can't be begun
at all, or the only role of the process, the process ends with one sentence.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from importlib import import_module

import structlog

from commands.ids import DEFAULT_ACCOUNT
from event_store.errors import TRANSIENT_DATABASE_ERRORS, LeaseLostError, LogReplacedError
from runtime.compared_histories import ComparedHistories
from runtime.composition import Market, Store, open_market, open_store
from runtime.error_groups import first, is_only
from runtime.errors import StartupError
from runtime.log_behind import Standing, hold_against_witness
from runtime.roles.parts import Parts
from runtime.roles.wallet_history import HistoryGate
from runtime.settings import Settings
from runtime.telemetry import watch_loop

Run = Callable[[Parts], Awaitable[None]]
OpenMarket = Callable[[Settings, Store], AbstractAsyncContextManager[Market]]

# Seconds before a role is begun again; doubled up to the longest, and anew after so long a steady life.
FIRST_DELAY, LONGEST_DELAY, STEADY = 0.1, 2.0, 5.0
# The roles that act on what the log says: not while it is behind.
HELD_BACK = frozenset({"worker", "tracker", "watcher", "reclaim", "witness", "wallet_history"})
# Those that sign and end: not before the wallet's history has been compared with the log. Beside one it is compared.
AFTER_HISTORY = frozenset({"worker", "tracker", "reclaim"})
# Connections that a role holds at a time, under load.
CONNECTIONS_A_ROLE = 3

log = structlog.get_logger(__name__)


async def run_roles(settings: Settings, names: Sequence[str], market_opener: OpenMarket = open_market) -> None:
    """Run the roles ``names`` in this process until cancelled, on the market that ``market_opener`` gives.

    Raises ``StartupError``.
    """
    shown = "+".join(names)
    file = settings.witness_file
    async with (
        open_store(settings, shown, connections=2 + CONNECTIONS_A_ROLE * len(names)) as store,
        market_opener(settings, store) as market,
    ):
        if file is not None:
            await hold_against_witness(store, file, keeps="worker" in names)
        standing = Standing(partial(store.trading.of, DEFAULT_ACCOUNT))
        await standing.look()
        # What isn't of a role that waits for it asks for itself: a cancel, what ends while it waits for a price.
        store.trading.compared = await ComparedHistories.since_now(store)
        parts = Parts(settings, store, market)
        history = await HistoryGate.of(store)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(store.feed.run(), name="feed")
                tasks.create_task(watch_loop(), name="loop")
                tasks.create_task(_end_where_replaced(store), name="continuity")
                tasks.create_task(standing.run(), name="standing")
                if not settings.paper:  # what is on paper is signed for no chain
                    tasks.create_task(market.identity.watch(), name="still the same chain")
                for name in (*names, *_beside(names, settings)):
                    run: Run = import_module(f"runtime.roles.{name}").run
                    if name in AFTER_HISTORY:
                        run = partial(_run_after, history, run)
                    if name in HELD_BACK:
                        run = partial(_run_while_sound, standing, run)
                    tasks.create_task(_keep(name, run, parts, ends_all=name == "api" or len(names) == 1), name=name)
        except BaseExceptionGroup as group:
            if refused := group.subgroup(StartupError):
                raise first(refused) from None
            raise


def _beside(names: Sequence[str], settings: Settings) -> list[str]:
    """What a process with these roles does beside them. Who has the key brings rents back, where it signs, and keeps
    the witness; who signs or ends compares the wallet's history; who sends to landers counts what became of it.
    """
    is_kept = {"reclaim": not settings.paper, "witness": settings.witness_file is not None}
    beside = [name for name, kept in is_kept.items() if kept] if "worker" in names else []
    if AFTER_HISTORY & set(names):
        beside += ["wallet_history", *(["landers"] if settings.landers else [])]
    return beside


async def _run_after(history: HistoryGate, run: Run, parts: Parts) -> None:
    await history.opened()
    await run(parts)


async def _run_while_sound(standing: Standing, run: Run, parts: Parts) -> None:
    await standing.run_while_sound(partial(run, parts))


async def _end_where_replaced(store: Store) -> None:
    """Whatever this process remembers is of a lost log: started again it knows what there is."""
    try:
        await store.continuity.watch(store.pool)
    except LogReplacedError as replaced:
        raise StartupError(str(replaced)) from None


async def _keep(name: str, run: Run, parts: Parts, *, ends_all: bool) -> None:
    """``ends_all``: where the role can't be begun the process ends. Else the others serve on, and say so."""
    delay = FIRST_DELAY
    while True:
        begun = time.monotonic()
        try:
            await run(parts)
        except StartupError as refused:
            if ends_all:
                raise
            log.error("role can't begin; tried again", role=name, reason=str(refused))
            delay = LONGEST_DELAY
        except Exception as error:
            if is_only(error, (LeaseLostError, *TRANSIENT_DATABASE_ERRORS)):
                log.warning("role begins again", role=name, error=type(first(error)).__name__)
            else:
                log.error("role ended by an error; it begins again", role=name, exc_info=error)
        if time.monotonic() - begun > STEADY:
            delay = FIRST_DELAY
        await asyncio.sleep(delay)
        delay = min(2 * delay, LONGEST_DELAY)
