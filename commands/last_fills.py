"""In which slot an account's newest fills are: a state from before them doesn't show what they brought."""

from __future__ import annotations

from uuid import UUID

from commands.orders import OrderRepository
from domain.events import OrderConfirmed
from event_store.read.log import Log

NEWEST_EVENTS = 10_000
"""Among so many of the log's last events they are looked for: a node doesn't lag by more."""
NEWEST_FILLS = 20


class LastFills:
    """As the log has them now. A look reads the log's end: it is for what would end an order for good."""

    def __init__(self, log: Log, orders: OrderRepository) -> None:
        self._log = log
        self._orders = orders

    async def newest_slot(self, account_id: UUID) -> int:
        """The greatest slot of the account's newest fills; 0 where there are none."""
        after = max(0, await self._log.head() - NEWEST_EVENTS)
        filled = await self._log.streams_with(account_id, OrderConfirmed.TOPIC, after)
        orders = (await self._orders.load(filled[-NEWEST_FILLS:])).orders.values()
        return max((one.order.fill.slot for one in orders if one.order and one.order.fill), default=0)
