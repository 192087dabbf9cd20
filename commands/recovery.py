"""A log that was put back: which of its orders are open, and what an operator decides of each.

What happened to an order after the moment to which the log was put back has left no trace in it: it may have been
cancelled, and its client told so. So no open order goes on, and none ends, before somebody has said which.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from uuid import UUID

from commands.accounts import Accounts
from commands.loaded_order import LoadedOrder
from commands.orders import OrderRepository
from domain.codes import Code
from domain.commands import DiscardOrder
from domain.decide import decide
from domain.errors import DomainError, NotApplicableError
from domain.events import ORDER_EVENTS, OrderSubmitted
from domain.legs import ended_with
from domain.log_behind import LogRecovered
from domain.order import ENDS
from event_store.read.log import Log

_ENDS = [event.TOPIC for event in ORDER_EVENTS if event.status in ENDS]
_CANCEL = DiscardOrder(Code.CANCELLED_AT_RECOVERY)
_AT_ONCE = 500
GUARDED = "The chain shows its guard: a transaction of it succeeded, and no endpoint shows which."


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """``loaded`` is None where the order can't be read; ``bound``: why it can't be cancelled, a sentence."""

    order_id: UUID
    loaded: LoadedOrder | None
    bound: str | None

    @property
    def ends_with(self) -> tuple[UUID, ...]:
        """The other orders of its list that end where it is cancelled."""
        leg = self.loaded.order.leg if self.loaded and self.loaded.order else None
        return ended_with(leg) if leg else ()


class Recovery:
    def __init__(self, log: Log, orders: OrderRepository, accounts: Accounts) -> None:
        self._log = log
        self._orders = orders
        self._accounts = accounts

    async def open_orders(self) -> list[OpenOrder]:
        """Every order without an end, the oldest first."""
        ids = await self._log.streams_without(OrderSubmitted.TOPIC, _ENDS)
        found: list[OpenOrder] = []
        for start in range(0, len(ids), _AT_ONCE):
            page = ids[start : start + _AT_ONCE]
            orders = (await self._orders.load(page)).orders
            found += [_open(order_id, orders.get(order_id)) for order_id in page]
        return found

    async def decide(
        self,
        account_id: UUID,
        keep: Collection[UUID],
        cancel: Collection[UUID],
        *,
        by: str,
        because: str,
        guarded: Collection[UUID] = (),
    ) -> LogRecovered:
        """Cancel and keep the open orders as they are named, and record it; all of them are named, or nothing is done.

        Raises ``DomainError``: ``not_behind``, ``not_open`` for one that is named and isn't open, ``unnamed`` for an
        open one that isn't named, ``not_cancellable``. The chain shows the guards of those in ``guarded``.
        """
        if await self._accounts.unrecovered(account_id) is None:
            raise DomainError("not_behind", "The log is not known to be behind; there is nothing to recover.")
        found = {one.order_id: one for one in bound_by_guards(await self.open_orders(), guarded)}
        require_each_named(found, {*keep, *cancel})
        bound = [one for one in cancel if found[one].bound]
        if bound:
            raise DomainError("not_cancellable", f"{bound[0]} can't be cancelled: {found[bound[0]].bound} Keep it.")
        for order_id in cancel:
            if torn := next((other for other in found[order_id].ends_with if other in keep), None):
                detail = f"{order_id} can't be cancelled: {torn}, which is to be kept, ends with it. Name both alike."
                raise DomainError("not_cancellable", detail)
        for order_id in cancel:
            loaded = found[order_id].loaded
            assert loaded is not None  # noqa: S101 - one that can't be read can't be cancelled
            # It may have ended meanwhile, by an earlier try of this command.
            with suppress(NotApplicableError):
                await self._orders.execute(loaded, _CANCEL)
        return await self._accounts.recover(
            account_id, kept=sorted(keep), cancelled=sorted(cancel), by=by, because=because
        )


def require_each_named(orders: Collection[UUID], named: Collection[UUID]) -> None:
    """Raise ``DomainError``, as above, where the open ``orders`` aren't those that are ``named``."""
    _require("not_open", "not open, or unknown", {*named}.difference(orders))
    _require("unnamed", "open and named neither to be kept nor to be cancelled", {*orders}.difference(named))


def bound_by_guards(orders: Sequence[OpenOrder], guarded: Collection[UUID]) -> list[OpenOrder]:
    """The same, those in ``guarded`` bound: a transaction of them has succeeded, and nobody shows which."""
    return [replace(one, bound=one.bound or GUARDED) if one.order_id in guarded else one for one in orders]


def _open(order_id: UUID, loaded: LoadedOrder | None) -> OpenOrder:
    if loaded is None or loaded.order is None:
        return OpenOrder(order_id, None, "It can't be read.")
    try:
        decide(loaded.order, _CANCEL)
    except DomainError as refused:
        return OpenOrder(order_id, loaded, refused.detail)
    return OpenOrder(order_id, loaded, None)


def _require(code: str, what: str, orders: Collection[UUID]) -> None:
    if orders:
        raise DomainError(code, f"{len(orders)} {what}: {', '.join(map(str, sorted(orders)))}")
