"""What readiness says of the other processes: each role that nobody runs, and each that stays behind the log."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from api.services import Check
from commands.ids import DEFAULT_ACCOUNT
from event_store.processors.oversight import LagWatch, unheld
from event_store.statements import statement
from projections.orders import PROCESSOR
from runtime.log_behind import WITNESS
from workers.dispatch.work import Pool
from workers.history.table import LATE_S
from workers.reclaim.reclaimer import RECLAIM
from workers.tracker.tracker import TRACKER
from workers.watcher.book_feed import WATCHER

# The roles of which one process works at a time, by the processor whose lease it holds.
LEASED_ROLES = {PROCESSOR: "projector", TRACKER: "tracker", WATCHER: "watcher", RECLAIM: "reclaim"}
# Those that commit a position.
FOLLOWERS = (PROCESSOR,)
# Twice a lease: after a crash the standby takes over within one, and has another to catch up.
LAG_S = 10.0
_UNKNOWN_OUTCOMES = statement(__file__, "unknown_outcomes")
_UNDECIDED_RECLAIMS = statement(__file__, "undecided_reclaims")
_LATE_HISTORIES = statement(__file__, "late_histories")


async def _never() -> bool:
    return False


def role_checks(
    pool: Pool, *, witnessed: bool = False, paper: bool = False, behind: Callable[[], Awaitable[bool]] = _never
) -> list[Check]:
    """Orders are taken all the same, so none of these is essential. ``witnessed``: the log has a witness; ``paper``:
    nothing is signed, so no rent is brought back; ``behind``: it was put back, and the roles that would act on it don't
    run.
    """
    roles = LEASED_ROLES | ({WITNESS: "witness"} if witnessed else {})
    if paper:
        del roles[RECLAIM]
    followers = (*FOLLOWERS, WITNESS) if witnessed else FOLLOWERS
    lag_watch, lag_watch_behind = LagWatch(followers, LAG_S), LagWatch(FOLLOWERS, LAG_S)

    async def leases() -> str | None:
        expected = [PROCESSOR] if await behind() else list(roles)
        async with pool.connection() as connection, connection.cursor() as cursor:
            missing = await unheld(cursor, expected)
        names = ", ".join(roles[processor] for processor in missing)
        return f"no process runs: {names}" if missing else None

    async def positions() -> str | None:
        watch = lag_watch_behind if await behind() else lag_watch
        async with pool.connection() as connection, connection.cursor() as cursor:
            late = await watch.lagging(cursor)
        found = ", ".join(f"{roles[lag.processor]} at {lag.position} of {lag.head}" for lag in late)
        return f"behind the log for more than {LAG_S:.0f} s: {found}" if late else None

    async def outcomes() -> str | None:
        async with pool.connection() as connection:
            row = await (await connection.execute(_UNKNOWN_OUTCOMES)).fetchone()
        return f"the outcome of {row[0]} orders isn't known, such as {row[1]}: {row[2]}" if row else None

    async def reclaims() -> str | None:
        async with pool.connection() as connection:
            row = await (await connection.execute(_UNDECIDED_RECLAIMS)).fetchone()
        if row is None:
            return None
        number, reason = row
        such = f"a reclaim of rents: {reason}" if number == 1 else f"{number} reclaims of rents, one: {reason}"
        return f"nobody can tell what became of {such}"

    async def history() -> str | None:
        if await behind():
            return None
        async with pool.connection() as connection:
            row = await (await connection.execute(_LATE_HISTORIES, {"late": LATE_S})).fetchone()
        if row is None:
            return None
        number, account_id, age = row
        found = "not compared with the log yet" if age is None else f"last compared with the log {age:.0f} s ago"
        wallets = "the wallet's history was" if number == 1 else f"the histories of {number} wallets were late, one"
        return f"{wallets} {found}" + ("" if account_id == DEFAULT_ACCOUNT else f": account {account_id}")

    return [
        Check("leases", leases, essential=False),
        Check("positions", positions, essential=False),
        Check("outcomes", outcomes, essential=False),
        Check("reclaims", reclaims, essential=False),
        Check("history", history, essential=False),
    ]
