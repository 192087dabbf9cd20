"""What waits on a pair: how many orders a side, and the levels a moving price reaches first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from domain.tokens import Pair, Side
from projections.orders import SQL
from projections.orders.queries import Pool

_SIDES: tuple[Side, Side] = ("sell", "buy")


@dataclass(frozen=True, slots=True)
class Resting:
    """One side of a pair: ``orders`` wait; None where none of them waits for a limit, or for its stop."""

    orders: int
    nearest_limit: Decimal | None
    nearest_stop: Decimal | None


class RestingOrders:
    """Reads ``orders_v1`` over a pool that its owner opens and closes; as far behind the log as every list."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def on(self, account_id: UUID, pairs: Sequence[Pair]) -> list[dict[Side, Resting]]:
        """What the account's orders wait for on each pair, in their order; one query for all of them.

        A rising price reaches the lowest limit of the sells first and the lowest stop of the buys, a falling one the
        highest limit of the buys and the highest stop of the sells.
        """
        arguments = {
            "directions": [_direction(account_id, pair, side) for pair in pairs for side in _SIDES],
            "sells": [side == "sell" for _ in pairs for side in _SIDES],
        }
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(SQL["resting"], arguments)).fetchall()
        found = iter(Resting(*row) for row in rows)
        return [{side: next(found) for side in _SIDES} for _ in pairs]


def _direction(account_id: UUID, pair: Pair, side: Side) -> str:
    """The first part of the index's key."""
    token_in, token_out = (pair.base, pair.quote) if side == "sell" else (pair.quote, pair.base)
    return f"{account_id} {token_in.mint} {token_out.mint}"
