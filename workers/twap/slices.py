"""One slice of a TWAP becomes an order, once however often it is tried: its id follows from its list and number."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

from commands import order_limits
from commands.executed_elsewhere import ExecutedElsewhere
from commands.known_accounts import KnownAccounts
from commands.loaded_order import LoadedOrder
from commands.order_limits import Market, NotTaken
from commands.orders import Guards, OrderRepository
from commands.reservations import Reservations
from domain.commands import RecordElsewhere, SubmitOrder
from domain.limits import NO_LIMITS
from domain.terms import OrderTerms
from domain.trading_state import AccountTrading
from domain.twap import Twap
from workers.errors import WaitError

IsTooOften = Callable[[UUID, int], Awaitable[bool]]
"""Whether one more order of an account exceeds so many a minute; it counts where it doesn't."""


class SliceOrders:
    """``market`` is what the account's limits are measured by, as for any order; it raises where there is no price."""

    def __init__(
        self,
        orders: OrderRepository,
        reservations: Reservations,
        accounts: KnownAccounts,
        executed_elsewhere: ExecutedElsewhere,
        *,
        market: Market,
        is_too_often: IsTooOften,
        deadline: timedelta,
        clock: Callable[[], datetime],
    ) -> None:
        self._orders = orders
        self._reservations = reservations
        self._accounts = accounts
        self._executed_elsewhere = executed_elsewhere
        self._market = market
        self._is_too_often = is_too_often
        self._deadline = deadline
        self._clock = clock

    async def executed(self, twap: Twap, account_id: UUID) -> list[int]:
        """The slices that the chain has executed and a log that was put back has lost."""
        executed = await self._executed_elsewhere.of_account(account_id)
        if not executed:
            return []
        lost = [number for number, order_id in enumerate(twap.order_ids, 1) if order_id in executed]
        if not lost:
            return []
        there = await self._orders.load([twap.order_id(number) for number in lost])
        return [number for number in lost if twap.order_id(number) not in there.orders | there.unreadable]

    async def refusal(
        self, account_id: UUID, trading: AccountTrading, asked: OrderTerms, as_id: UUID
    ) -> NotTaken | None:
        """Why an order isn't taken now; None where it is, and then what it takes of the account's limits is reserved.

        Raises ``WaitError`` where the account has sent its orders of this minute.
        """
        if refused := order_limits.trading_refusal(trading, asked):
            return refused
        account = self._accounts.account(account_id)
        limits = account.limits if account else NO_LIMITS
        if limits is NO_LIMITS:
            return None
        refused, notional = await order_limits.exceeded_by_itself(asked, limits, self._market)
        if refused:
            return refused
        if limits.orders_per_minute is not None and await self._is_too_often(account_id, limits.orders_per_minute):
            raise WaitError("the account has sent its orders of this minute")
        if not limits.are_reserved:
            return None
        found = await self._reservations.reserve(account_id, as_id, limits, notional)
        return order_limits.exceeding(found, limits)

    async def submit(self, twap: Twap, account_id: UUID, number: int, guards: Guards) -> None:
        """Record the slice's order while ``guards`` hold.

        Raises ``NotApplicableError`` where it is recorded already, and what ``OrderRepository.execute`` raises.
        """
        asked, order_id = twap.terms(number), twap.order_id(number)
        # A log that was put back may have lost the slice, and the chain executed it.
        executed = await self._executed_elsewhere.of_order(account_id, order_id)
        command = SubmitOrder(
            asked,
            self._clock() + self._deadline if asked.starts_at_once else None,
            twap.submitted.network,
            paper=twap.submitted.paper and executed is None,
            parent_id=twap.list_id,
        )
        ended = (RecordElsewhere(executed),) if executed else ()
        new = LoadedOrder(order_id, account_id)
        await self._orders.execute(new, command, *ended, guards=guards, decide_again=False)
