"""Fold a batch of events into a table of orders: load the touched rows once, evolve in memory, write them once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType
from typing import Any
from uuid import UUID

import structlog
from msgspec import Struct
from psycopg import AsyncCursor, sql

from domain.order import Order
from event_store.arrays import Array, bigints, instants, integers, texts, uuids
from event_store.errors import UnreadableEventError
from event_store.mapper import EventMapper
from event_store.processors import dead_letters
from event_store.types import PositionedEvent
from projections.errors import VersionGapError
from projections.history import OrderState, step
from projections.metrics import DEAD_LETTERS
from projections.orders import NAME, SQL
from projections.orders.missed import missed_before

log = structlog.get_logger(__name__)

_TOPICS = "order."
# A thread of its own costs more than folding so few.
FOLDED_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class OrdersTable:
    """A table of orders by its name."""

    name: str
    load: bytes
    save: bytes

    @property
    def processor(self) -> str:
        """The processor its dead letters stand under."""
        return f"projector:{self.name}"

    @classmethod
    def named(cls, name: str) -> OrdersTable:
        return cls(name, in_table("load", name), in_table("save", name))


def in_table(statement: str, name: str) -> bytes:
    """One of this room's statements that leave their table open."""
    return sql.SQL(SQL[statement].decode()).format(table=sql.Identifier(name)).as_bytes(None)


LIVE = OrdersTable.named(NAME)


class Row(Struct, frozen=True, gc=False):
    """An order's state, and the position of its first event, which is its place in the list."""

    state: OrderState
    first_position: int


@dataclass(frozen=True, slots=True)
class Folded:
    """What a batch comes to: rows to write, and orders to set aside and why."""

    rows: dict[UUID, Row]
    unreadable: dict[UUID, UnreadableEventError]


def row(columns: Sequence[Any]) -> Row:
    """A row of ``load.sql`` and ``list.sql``."""
    order_id, account_id, state, version, submitted_at, updated_at, position, first_position = columns
    order = Order.model_validate_json(state)
    return Row(OrderState(order_id, account_id, order, version, submitted_at, updated_at, position), first_position)


def fold_batch(
    mapper: EventMapper, batch: Iterable[PositionedEvent], rows: Mapping[UUID, Row], passed_over: Iterable[UUID]
) -> Folded:
    """Pure. An event at or below its row's version was folded before; one past the next is a ``VersionGapError``."""
    aside = set(passed_over)
    folded = Folded({}, {})
    for event in batch:
        order_id = event.stream_id
        if not event.topic.startswith(_TOPICS) or order_id in aside:
            continue
        before = folded.rows.get(order_id) or rows.get(order_id)
        version = before.state.version if before else 0
        if event.version <= version:
            continue
        if event.version > version + 1:
            raise VersionGapError(f"{order_id}: version {event.version} after {version}")
        try:
            _, state = step(mapper, before.state if before else None, event)
        except UnreadableEventError as error:
            aside.add(order_id)
            folded.unreadable[order_id] = error
            continue
        folded.rows[order_id] = Row(state, before.first_position if before else event.position)
    return folded


async def fold_into_table(
    cursor: AsyncCursor[Any],
    table: OrdersTable,
    mapper: EventMapper,
    batch: Sequence[PositionedEvent],
    known: Mapping[UUID, Row] = MappingProxyType({}),
) -> Folded:
    """In the caller's transaction, which also commits the position. Harmless when repeated. Where a row lacks events
    that come before the batch, its order is folded from the log: a changed row is no matter of other orders.

    ``known`` are rows that need not be loaded: as the table has them, and nobody else writes it.
    """
    orders = list({event.stream_id for event in batch})
    # Before the rows: who takes one up again has its row up to the projection's position, and lets go of it then.
    aside = await dead_letters.among(cursor, table.processor, orders)
    rows = {order_id: known[order_id] for order_id in orders if order_id in known}
    # One that begins in the batch has no row yet; or has it by a commit whose answer was lost, and gets the same again.
    begun = {event.stream_id for event in batch if event.version == 1}
    if missing := [order_id for order_id in orders if order_id not in rows and order_id not in begun]:
        rows |= await load_rows(cursor, table, missing)
    orders_of_batch = [event for event in batch if event.topic.startswith(_TOPICS)]
    versions = {order_id: kept.state.version for order_id, kept in rows.items()}
    if missed := await missed_before(cursor, orders_of_batch, versions, aside):
        rows = {order_id: kept for order_id, kept in rows.items() if order_id not in missed}
        batch = [*chain.from_iterable(missed.values()), *batch]
    if len(batch) <= FOLDED_AT_ONCE:
        folded, columns = _fold(mapper, batch, rows, aside)
    else:
        # In a thread: on a busy machine a large batch takes seconds, in which the lease must be renewed.
        folded, columns = await asyncio.to_thread(_fold, mapper, batch, rows, aside)
    if folded.rows:
        await cursor.execute(table.save, columns)
    if folded.unreadable:
        await _set_aside(cursor, table, folded.unreadable.values())
    return folded


def _fold(
    mapper: EventMapper, batch: Sequence[PositionedEvent], rows: Mapping[UUID, Row], aside: Iterable[UUID]
) -> tuple[Folded, dict[str, Array]]:
    folded = fold_batch(mapper, batch, rows, aside)
    return folded, _columns(folded.rows.values())


async def load_rows(cursor: AsyncCursor[Any], table: OrdersTable, orders: list[UUID]) -> dict[UUID, Row]:
    """The rows of those of ``orders`` that have one which can be read."""
    await cursor.execute(table.load, {"orders": uuids(orders)})
    rows: dict[UUID, Row] = {}
    for columns in await cursor.fetchall():
        try:
            rows[columns[0]] = row(columns)
        except ValueError:  # changed by hand: as good as none, since the log has all of it
            log.warning("an order's row cannot be read", order_id=str(columns[0]))
    return rows


async def save_rows(cursor: AsyncCursor[Any], table: OrdersTable, rows: Mapping[UUID, Row]) -> None:
    """Write rows, unless the table has newer ones."""
    await cursor.execute(table.save, _columns(rows.values()))


async def _set_aside(cursor: AsyncCursor[Any], table: OrdersTable, unreadable: Iterable[UnreadableEventError]) -> None:
    entries = [dead_letters.DeadLetterEntry.of(error) for error in unreadable]
    for entry in entries:
        DEAD_LETTERS.labels(table.name).inc()
        log.error(
            "order is a dead letter now",
            projection=table.name,
            order_id=str(entry.order_id),
            version=entry.version,
            error=entry.error,
        )
    await dead_letters.add(cursor, table.processor, entries)


def _columns(rows: Iterable[Row]) -> dict[str, Array]:
    rows = list(rows)
    states = [kept.state for kept in rows]
    return {
        "order_ids": uuids([state.order_id for state in states]),
        "account_ids": uuids([state.account_id for state in states]),
        "statuses": texts([state.order.status for state in states]),
        "versions": integers([state.version for state in states]),
        "positions": bigints([state.position for state in states]),
        "submitted": instants([state.submitted_at for state in states]),
        "updated": instants([state.updated_at for state in states]),
        "first_positions": bigints([kept.first_position for kept in rows]),
        "states": texts([state.order.model_dump_json() for state in states]),
    }
