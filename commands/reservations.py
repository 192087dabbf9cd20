"""What an account's orders take of its limits: reserved in the database before an order is recorded, and so exact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.errors import UniqueViolation
from psycopg_pool import AsyncConnectionPool

from commands.account_use import TURN, Exceeded, Reserved, Used, settled_use, would_be_exceeded
from commands.batched_questions import BatchedQuestions
from domain.limits import Limits
from event_store.statements import statement

_AT_ONCE = statement(__file__, "reserve_at_once")
_RESERVE = statement(__file__, "reserve")
_KNOWN = statement(__file__, "reserve_known")
_SETTLED = statement(__file__, "reserve_settled")
_TOGETHER = 500


@dataclass(frozen=True, slots=True)
class _Asked:
    notionals: Mapping[UUID, Decimal]
    limits: Limits


class Reservations:
    """What waits in this process for an account's turn is reserved together, in one transaction."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[Any]]) -> None:
        self._pool = pool
        self._turns = BatchedQuestions[UUID, _Asked, Exceeded | None](self._answer_all, most=_TOGETHER)

    async def reserve(self, account_id: UUID, order_id: UUID, limits: Limits, notional: Decimal) -> Exceeded | None:
        """Reserve for an order, once however often it is asked, at the most it was ever worth when it was: whoever
        asks first isn't always who records it. What it would exceed, where nothing more was reserved.

        Raises psycopg's errors; then it isn't known whether it was, and it may be asked again.
        """
        return await self.reserve_all(account_id, {order_id: notional}, limits)

    async def reserve_all(self, account_id: UUID, notionals: Mapping[UUID, Decimal], limits: Limits) -> Exceeded | None:
        """The same for orders that are recorded together, each with what it is worth: for all of them, or none."""
        return await self._turns.ask(account_id, _Asked(notionals, limits))

    async def _answer_all(self, account_id: UUID, waiting: Sequence[_Asked]) -> Sequence[Exceeded | None]:
        """Whoever left meanwhile keeps what was reserved for him, as one whose order is being recorded."""
        if await self._all_fit(account_id, waiting):
            return [None] * len(waiting)
        return await self._reserve_all(account_id, waiting)

    async def _all_fit(self, account_id: UUID, waiting: Sequence[_Asked]) -> bool:
        """Whether all are reserved now, as most are: in one statement, by what the account used a moment ago and what
        was reserved since. Where not nothing is, and the account's orders have to be counted.
        """
        limits = waiting[0].limits
        new = {order_id: notional for asked in waiting for order_id, notional in asked.notionals.items()}
        asked_twice = len(new) < sum(len(asked.notionals) for asked in waiting)
        if asked_twice or any(asked.limits != limits for asked in waiting):
            return False
        values = {
            "account": account_id,
            "orders": list(new),
            "notionals": list(new.values()),
            "count": len(new),
            "worth": sum(new.values()),
            "most_orders": limits.max_open_orders,
            "most_open": limits.max_open_notional,
            "most_today": limits.max_daily_notional,
        }
        async with self._pool.connection() as connection:
            try:
                return (await connection.execute(_AT_ONCE, values)).rowcount == len(new)
            except UniqueViolation:  # one of them was reserved before
                return False

    async def _reserve_all(self, account_id: UUID, waiting: Sequence[_Asked]) -> list[Exceeded | None]:
        """The answer to each, in the order in which they came."""
        order_ids = [order_id for asked in waiting for order_id in asked.notionals]
        values: dict[str, Any] = {"account": account_id, "orders": order_ids}
        answers: list[Exceeded | None] = []
        async with self._pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
            await cursor.execute(TURN, values)
            used = await settled_use(cursor, account_id)
            # After that: it has let go of what was reserved too long ago.
            await cursor.execute(_KNOWN, values)
            known = await cursor.fetchall()
            recorded = {row[0] for row in known if row[3]}
            reserved = {row[0]: Reserved(row[1], row[2]) for row in known if not row[3]}
            new = dict[UUID, Decimal]()
            for asked in waiting:
                if recorded & asked.notionals.keys() or _are_reserved(asked.notionals, reserved):
                    # Of what is recorded nothing more comes: whoever asks for it again gets the first answer.
                    answers.append(None)
                    continue
                before = {order_id: reserved[order_id] for order_id in asked.notionals if order_id in reserved}
                worth = {
                    order_id: max(notional, before[order_id].worth) if order_id in before else notional
                    for order_id, notional in asked.notionals.items()
                }
                others = used.without(before.values())
                together = sum(worth.values(), Decimal(0))
                exceeds = would_be_exceeded(others, asked.limits, together, orders=len(worth))
                answers.append(exceeds)
                if exceeds is None:
                    used = others.with_more(worth.values())
                    reserved |= {order_id: Reserved(notional, notional) for order_id, notional in worth.items()}
                    new |= worth
            if new:
                await cursor.execute(_RESERVE, {**values, "orders": list(new), "notionals": list(new.values())})
            await cursor.execute(_SETTLED, {**values, **asdict(used)})
        return answers

    async def used(self, account_id: UUID) -> Used:
        async with self._pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
            return await settled_use(cursor, account_id)


def _are_reserved(notionals: Mapping[UUID, Decimal], reserved: Mapping[UUID, Reserved]) -> bool:
    """Whether all of them are, today, at what they are worth now or more."""
    return all(order_id in reserved and reserved[order_id].today >= worth for order_id, worth in notionals.items())
