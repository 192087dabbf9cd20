"""Whether ``orders_v1`` holds what the log folds to: rows and streams are compared in ascending order of their id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import Any
from uuid import UUID

import orjson

from event_store.hash_chain.verification import Finding
from event_store.processors import positions
from event_store.read.snapshot import Snapshot
from projections.history import OrderState
from projections.orders import NAME, PROCESSOR, SQL

REBUILD = f"Rebuild the read model from the log: surefill rebuild {NAME.partition('_')[0]}"
RETRY = "Look at the order's events, then try it again: surefill dead-letters."

_COLUMNS = ("account_id", "status", "version", "position", "submitted_at", "updated_at", "first_position", "state")


class OrdersRows:
    """The rows of a snapshot by order id, each met by its order's fold; ``position`` is how far the projection is."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.position = positions.load_from(snapshot, PROCESSOR)
        self._dead_letters: dict[UUID, int] = dict(snapshot.rows(SQL["verify_dead_letters"], {"processor": PROCESSOR}))
        self._rows = snapshot.rows(SQL["verify_rows"])
        self._next = next(self._rows, None)

    def until(self, order_id: UUID) -> int:
        """The position of the last event that the order's row has in it, where all is well."""
        dead_letter = self._dead_letters.get(order_id)
        return self.position if dead_letter is None else min(dead_letter - 1, self.position)

    def meet(self, order_id: UUID, folded: OrderState | None, first_position: int) -> Iterator[Finding]:
        """What the order's row has other than ``folded``, its state as of ``until``, None where it had no event yet.

        Orders come in ascending order of their id, each once.
        """
        yield from self._before(order_id)
        row: tuple[Any, ...] | None = None
        if self._next is not None and self._next[0] == order_id:
            row, self._next = self._next, next(self._rows, None)
        if folded is None and row is not None:
            yield differs(order_id, "has a row that the log does not account for yet")
        elif folded is not None and row is None:
            yield differs(order_id, "has no row")
        elif folded is not None and row is not None:
            differing = _differing(_values(row), _expected(folded, first_position))
            if differing:
                yield differs(order_id, f"its row differs from the fold in {', '.join(differing)}", folded)
        if order_id in self._dead_letters:
            yield Finding(
                "read models", "unchecked", f"{NAME}: a dead letter, its row stands still", RETRY, order_id,
                position=self._dead_letters[order_id],
            )  # fmt: skip

    def skip(self, order_id: UUID) -> Iterator[Finding]:
        """Instead of ``meet``, for an order whose own events cannot be trusted."""
        yield from self._before(order_id)
        if self._next is not None and self._next[0] == order_id:
            self._next = next(self._rows, None)

    def rest(self) -> Iterator[Finding]:
        """The rows after the last order's."""
        yield from self._before(None)

    def _before(self, order_id: UUID | None) -> Iterator[Finding]:
        while self._next is not None and (order_id is None or self._next[0] < order_id):
            yield differs(self._next[0], "has a row, and no events in the log")
            self._next = next(self._rows, None)


def differs(order_id: UUID, what: str, folded: OrderState | None = None, *, remedy: str = REBUILD) -> Finding:
    """The order's row is not as its fold, ``folded`` where there is one; ``what`` says in what."""
    version, position = (folded.version, folded.position) if folded else (None, None)
    return Finding("read models", "differs", f"{NAME}: {what}", remedy, order_id, version, position)


def _values(row: tuple[Any, ...]) -> dict[str, Any]:
    values = dict(zip(_COLUMNS, row[1:], strict=True))
    return {**values, "state": orjson.loads(values["state"])}


def _expected(folded: OrderState, first_position: int) -> dict[str, Any]:
    state = orjson.loads(folded.order.model_dump_json())
    return {
        "account_id": folded.account_id,
        "status": folded.order.status,
        "version": folded.version,
        "position": folded.position,
        "submitted_at": folded.submitted_at.astimezone(UTC),
        "updated_at": folded.updated_at.astimezone(UTC),
        "first_position": first_position,
        "state": state,
    }


def _differing(row: Mapping[str, Any], expected: Mapping[str, Any]) -> list[str]:
    """The columns that differ, and for the document its fields: never their values."""
    columns = [name for name in _COLUMNS if name != "state" and row[name] != expected[name]]
    state, wanted = row["state"], expected["state"]
    if state == wanted:
        return columns
    if not isinstance(state, dict):
        return [*columns, "state"]
    names = sorted(name for name in state.keys() | wanted.keys() if state.get(name, ...) != wanted.get(name, ...))
    return [*columns, *(f"state.{name}" for name in names)]
