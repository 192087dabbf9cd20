"""A log that is long and a read model that is full, written in SQL: orders that ended long ago, each of five events."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from projections.orders import PROCESSOR
from tests.integration.conftest import TestDatabase

EVENTS_AN_ORDER = 5
ACCOUNT = UUID("00000000-0000-7000-8000-000000000001")
"""Whose orders they all are."""
_EVENTS = (Path(__file__).parent / "long_log_events.sql").read_text()
_ORDERS = (Path(__file__).parent / "long_log_orders.sql").read_text()


def write_ended_orders(database: TestDatabase, orders: int, *, signed: bool = True) -> None:
    """Into an empty log; the read model has them all. Where not ``signed``, nothing was ever signed for any."""
    arguments = {"orders": orders, "signed": signed, "processor": PROCESSOR}
    with database.connect(as_owner=True) as owner:
        owner.execute(_EVENTS, arguments)
    with database.connect() as app:
        app.execute(_ORDERS, arguments)
        app.execute(
            "insert into positions values (%s, %s) on conflict (processor) do update set position = excluded.position",
            [PROCESSOR, orders * EVENTS_AN_ORDER],
        )


def rows_read(connection: psycopg.Connection[Any], query: bytes | str, arguments: dict[str, Any]) -> int:
    """How many rows the plan's scans met, those that a filter threw away included."""
    as_text = query if isinstance(query, str) else query.decode()
    (found,) = connection.execute(f"explain (analyze, format json) {as_text}", arguments).fetchone() or ("[]",)
    plans = json.loads(found) if isinstance(found, str) else found
    return round(sum(_met(plan["Plan"]) for plan in plans))


def _met(node: dict[str, Any]) -> float:
    below = sum(_met(child) for child in node.get("Plans", ()))
    if "Scan" not in node["Node Type"]:
        return below
    met = sum(node.get(key, 0) for key in ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck"))
    return below + float(met * node["Actual Loops"])
