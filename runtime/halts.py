"""Sets what may be traded, and cancels what was in flight then where that is asked."""

from __future__ import annotations

from commands.halting import Halting, Scope, cancel_all
from commands.orders import OrderRepository
from commands.trading import TradingStates
from domain.trading_state import TradingState
from projections.orders.queries import OrderList

# Seconds for the read model to come to the halt: what was built before it is in flight, and nothing else is.
PATIENCE_S = 10.0


class Halts:
    def __init__(
        self, halting: Halting, orders: OrderRepository, trading: TradingStates, order_list: OrderList
    ) -> None:
        self._halting = halting
        self._orders = orders
        self._trading = trading
        self._order_list = order_list

    async def set(self, scope: Scope, state: TradingState, *, by: str, because: str, cancel_live: bool) -> int:
        """Record it; of how many orders the cancel was asked for. It stands before that begins, whatever comes of it.

        Raises ``ProjectionBehindError`` where nobody can say which are in flight; asked again it goes on.
        """
        position = await self._halting.set(scope, state, by=by, because=because, cancel_live=cancel_live)
        if not cancel_live:
            return 0
        await self._order_list.wait_for(position, PATIENCE_S)
        in_flight = await self._order_list.in_flight(scope.account_id, scope.venue)
        return await cancel_all(self._orders, self._trading, in_flight, by=by, because=because)
