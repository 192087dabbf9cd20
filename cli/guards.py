"""`surefill guards`: the guards that lock rent, since when, and when each comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

import typer
from rich.table import Table

from cli.console import table_console
from cli.operator import run_command
from domain.numbers import to_units
from domain.tokens import SOL
from event_store.pool import connection_pool
from projections.guard_rents import LockedGuard, LockedTotal, locked_guards, locked_total
from projections.order_view import instant
from runtime import addresses, program, settings

MOST_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Locked:
    """What ``guards`` shows: GUARD_KEEP, the total, and the guards."""

    keep: timedelta
    total: LockedTotal
    guards: list[LockedGuard]


def guards(
    limit: Annotated[
        int, typer.Option(min=1, help="How many at most, the oldest first; --json shows all.")
    ] = MOST_SHOWN,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line a guard, the total last.")] = False,
) -> None:
    """Show the guards of ended orders: the rent each locks, since when, and when it comes back (GUARD_KEEP).

    It needs a running engine, or DATABASE_URL. The guards of open orders, and the canary, which is never closed, are
    not among them.
    """

    def show() -> None:
        locked = run_command(_locked(None if as_json else limit))
        if as_json:
            for line in json_lines(locked):
                print(line)
        else:
            _print(locked)

    raise typer.Exit(program.guarded("guards", show))


async def _locked(limit: int | None) -> Locked:
    found = addresses.completed(settings.load(), "database_url")
    async with (
        connection_pool(found.database_url, max_size=1, application_name="surefill guards") as pool,
        pool.connection() as connection,
        connection.transaction(),
    ):
        # Both as of one moment.
        await connection.execute("set transaction isolation level repeatable read")
        total = await locked_total(connection)
        return Locked(found.guards_kept_for, total, [one async for one in locked_guards(connection, limit)])


def json_lines(locked: Locked) -> Iterator[str]:
    """`{"guard": {...}}` for each, and `{"total": {...}}`; lamports are text."""
    for one in locked.guards:
        fields = {
            "orderId": str(one.order_id),
            "guard": one.guard,
            "lamports": str(one.lamports),
            "since": instant(one.since),
            "comesBackAt": instant(comes_back_at(one, locked.keep)),
            "onItsWay": one.on_its_way,
            "obstacle": one.obstacle,
        }
        yield json.dumps({"guard": {name: value for name, value in fields.items() if value is not None}})
    total = locked.total
    yield json.dumps({"total": {"guards": total.guards, "lamports": str(total.lamports), "returned": total.returned}})


def comes_back_at(guard: LockedGuard, keep: timedelta) -> datetime:
    """When it is closed at the earliest."""
    due = guard.since + keep
    return max(due, guard.not_before) if guard.not_before else due


def summary(locked: Locked) -> str:
    """How much is locked, in SOL; a sentence."""
    total = locked.total
    sol = to_units(total.lamports, SOL.decimals)
    return f"{total.guards} guards lock {sol} SOL; the rent of {total.returned} has come back"


def _print(locked: Locked) -> None:
    console = table_console()
    if locked.guards:
        table = Table("order", "guard", "lamports", "since", "comes back", box=None, pad_edge=False)
        for one in locked.guards:
            comes = "on its way" if one.on_its_way else instant(comes_back_at(one, locked.keep))
            said = f"{comes}: {one.obstacle}" if one.obstacle else comes
            table.add_row(str(one.order_id), one.guard or "", str(one.lamports), instant(one.since), said)
        console.print(table, soft_wrap=True)
    if len(locked.guards) < locked.total.guards:
        console.print(f"... and {locked.total.guards - len(locked.guards)} more; --limit and --json show them")
    console.print(summary(locked), soft_wrap=True)
