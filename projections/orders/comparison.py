"""The two tables of a rebuild: how the new one begins, where it differs from the live one, how it takes its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import AsyncCursor

from event_store.hash_chain.verification import Finding
from projections.orders import NAME, SQL
from projections.orders.table import LIVE, OrdersTable, in_table
from projections.orders.verification import differs

REBUILT = OrdersTable.named(f"{NAME}_rebuilt")
KEPT = f"{NAME}_replaced"
REBUILDER = f"rebuild:{NAME}"
"""The processor of the rebuild's lease and position."""

MOST_NAMED = 10
_CHECKSUM = {table.name: in_table("rebuild_checksum", table.name) for table in (LIVE, REBUILT)}
_REMEDY = f"It is now what the log says; what it was is in {KEPT}."


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both tables at ``position`` of the log. ``checksum`` in hex and ``orders`` are the rebuilt one's.

    ``differing`` is how many orders the two don't tell alike, ``findings`` name the first ten of them.
    """

    position: int
    orders: int
    checksum: str
    differing: int = 0
    findings: tuple[Finding, ...] = ()


async def begin(cursor: AsyncCursor[Any]) -> None:
    """Make the empty table, in the caller's transaction; what an earlier rebuild left goes."""
    await cursor.execute(SQL["rebuild_begin"])


async def compare(cursor: AsyncCursor[Any], position: int) -> Comparison:
    """In a transaction that began with ``rebuild_snapshot``, with both tables at ``position``."""
    _, live = await _checksum(cursor, LIVE)
    orders, rebuilt = await _checksum(cursor, REBUILT)
    if live == rebuilt:
        return Comparison(position, orders, rebuilt)
    await cursor.execute(SQL["rebuild_differences"], {"most": MOST_NAMED})
    rows = await cursor.fetchall()
    return Comparison(position, orders, rebuilt, rows[0][0], tuple(_finding(*row[1:]) for row in rows))


async def _checksum(cursor: AsyncCursor[Any], table: OrdersTable) -> tuple[int, str]:
    await cursor.execute(_CHECKSUM[table.name], {"processor": table.processor})
    ((orders, checksum),) = await cursor.fetchall()
    return orders, checksum


def _finding(
    order_id: Any, had_row: bool, has_row: bool, differing: list[str], was_aside: bool, is_aside: bool, other: bool
) -> Finding:
    what = []
    if had_row and not has_row:
        what.append("had a row that the log does not account for")
    elif has_row and not had_row:
        what.append("had no row")
    elif differing:
        what.append(f"its row differed from the fold in {', '.join(differing)}")
    if was_aside and not is_aside:
        what.append("was a dead letter, and folds now")
    elif is_aside and not was_aside:
        what.append("was no dead letter, and does not fold")
    elif other:
        what.append("was another dead letter")
    return differs(order_id, "; ".join(what), remedy=_REMEDY)
