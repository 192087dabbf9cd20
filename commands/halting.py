"""Set what an account, a venue or the engine may do; and cancel, by the chain, what was in flight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

import structlog

from commands.accounts import account_event
from commands.cancel import cancel_order
from commands.errors import TooManyConflictsError
from commands.orders import MOST_CONFLICTS, OrderRepository
from commands.trading import TradingStates
from domain.account import trading_stream
from domain.errors import DomainError
from domain.trading_state import ENGINE, TradingState, TradingStateSet
from event_store.append.appender import Appender
from event_store.mapper import EventMapper
from event_store.read.log import Log
from event_store.types import AppendRequest, Conflict

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Scope:
    """An account, or a venue of all accounts, or with neither the engine."""

    account_id: UUID | None = None
    venue: str | None = None

    @property
    def owner(self) -> UUID:
        return self.account_id or ENGINE


class Halting:
    def __init__(self, log: Log, appender: Appender, mapper: EventMapper) -> None:
        self._log = log
        self._appender = appender
        self._mapper = mapper

    async def set(self, scope: Scope, state: TradingState, *, by: str, because: str, cancel_live: bool = False) -> int:
        """Record it, also where it stands so already; its position, after which no swap is built that it forbids."""
        event = TradingStateSet(state=state, because=because, by=by, venue=scope.venue, cancel_live=cancel_live)
        stream_id = trading_stream(scope.owner)
        for _ in range(MOST_CONFLICTS):
            version = len(await self._log.load(stream_id))
            new = account_event(self._mapper, scope.owner, uuid4(), stream_id, version + 1, event)
            outcome = await self._appender.append(AppendRequest((new,)))
            if not isinstance(outcome, Conflict):
                return int(getattr(outcome, "position", 0))
        raise TooManyConflictsError(str(stream_id))


async def cancel_all(
    orders: OrderRepository, trading: TradingStates, order_ids: Sequence[UUID], *, by: str, because: str
) -> int:
    """Ask for the cancel of each order; of how many it was. One that has ended meanwhile is none; one that can't be
    cancelled is said in the log, and keeps nobody else.

    Raises ``DomainError("history_not_compared")``, once all others were asked, where that keeps one from it.
    """
    cancelled, early = 0, None
    for order_id in order_ids:
        try:
            await cancel_order(orders, trading, order_id, by=by, because=because)
            cancelled += 1
        except DomainError as refused:
            if refused.code == "history_not_compared":
                early = refused
            elif refused.code != "too_late":
                log.warning("an order isn't cancelled", order_id=str(order_id), code=refused.code)
    if early is not None:
        raise early
    return cancelled
