"""What amended orders take of their account's limits: reserved before an amendment is recorded, and so exact.

Whether it was recorded the log says; what an amendment had reserved that never came is let go of by that.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from commands.account_use import TURN, UNSETTLE, Exceeded, Used, settled_use
from domain.limits import Limits
from event_store.statements import statement

_RESERVE = statement(__file__, "amend_reserve")
_WITHDRAW = statement(__file__, "amend_withdraw")


@dataclass(frozen=True, slots=True)
class AmendedReservation:
    """The order is worth ``notional`` USDC once ``command_id`` has recorded its event as ``version``. ``falls``: its
    amount alone, and it falls, so that nothing is exceeded by it. ``sharing`` are the orders that it excludes: of all
    of them one is filled, and the larger one counts.
    """

    command_id: UUID
    order_id: UUID
    account_id: UUID
    version: int
    notional: Decimal
    falls: bool
    sharing: tuple[UUID, ...] = ()


class _WouldExceedError(Exception):
    """Undoes the transaction in which it is raised."""

    def __init__(self, limit: Exceeded) -> None:
        super().__init__(limit)
        self.limit = limit


class AmendedReservations:
    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[Any]]) -> None:
        self._pool = pool

    async def reserve(self, asked: AmendedReservation, limits: Limits) -> Exceeded | None:
        """What it would exceed; None where it is reserved. Raises psycopg's errors; then it may be asked anew."""
        values = {
            "command": asked.command_id,
            "order": asked.order_id,
            "account": asked.account_id,
            "version": asked.version,
            "notional": asked.notional,
            "falls": asked.falls,
            "sharing": list(asked.sharing),
        }
        try:
            async with self._pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
                await cursor.execute(TURN, values)
                before = await settled_use(cursor, asked.account_id)
                await cursor.execute(_RESERVE, values)
                after = await settled_use(cursor, asked.account_id)
                if found := _exceeded_by(before, after, limits):
                    raise _WouldExceedError(found)
                await cursor.execute(UNSETTLE, values)
        except _WouldExceedError as error:
            return error.limit
        return None

    async def withdraw(self, command_id: UUID) -> None:
        """The amendment is known not to be recorded."""
        async with self._pool.connection() as connection:
            await connection.execute(_WITHDRAW, {"command": command_id})


def _exceeded_by(before: Used, after: Used, limits: Limits) -> Exceeded | None:
    """The limit that was passed, or passed by more. What doesn't rise exceeds nothing."""
    rises, most = after.notional_today > before.notional_today, limits.max_daily_notional
    if most is not None and rises and after.notional_today > most:
        return "max_daily_notional"
    rises, most = after.open_notional > before.open_notional, limits.max_open_notional
    if most is not None and rises and after.open_notional > most:
        return "max_open_notional"
    return None
