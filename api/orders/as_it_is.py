"""An order as it is now: beside what its events say, what has become of its rent, and what stands in its way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from api.callers.caller import Caller
from api.services import Services
from domain.order import Order
from domain.trading_state import AccountTrading
from projections.history import OrderState
from projections.order_view import DeadLetterView, HaltView, OrderView, UncertaintyView, has_rent, with_rent


async def as_it_is(services: Services, caller: Caller, state: OrderState) -> OrderView:
    """The order of ``state``, which is its newest."""
    [view] = await with_rents(services, [await with_troubles(services, caller, state)])
    return view


async def with_rents(services: Services, views: Sequence[OrderView]) -> list[OrderView]:
    """Orders as of now, each with what has become of the rent in its guard."""
    returned = await services.returned_rents([one.order_id for one in views if has_rent(one)])
    return [with_rent(view, returned=view.order_id in returned) for view in views]


async def with_troubles(services: Services, caller: Caller, state: OrderState) -> OrderView:
    """An order as of now, with what isn't known of its attempt, whether it was set aside, and whether trading is
    halted.
    """
    if state.order.ended and not state.order.live_attempts:
        return state.view()
    undecided = _undecided_attempts(state.order)
    uncertainty = await services.uncertainty(state.order_id, undecided) if undecided else None
    dead_letter = await services.dead_letter(state.order_id)
    uncertain = uncertainty and UncertaintyView(
        attempt=uncertainty.attempt,
        reason=uncertainty.reason,
        since=uncertainty.since,
        checked_at=uncertainty.checked_at,
        resolvable=uncertainty.permanent,
    )  # fmt: skip
    letter = dead_letter and DeadLetterView(processor=dead_letter.processor, since=dead_letter.since)
    trading = await services.trading(caller.account_id)
    halted = trading.why if trading.halted else None
    halt = halted and HaltView(code=_halt_code(trading), detail=halted)
    troubles = {"uncertainty": uncertain, "dead_letter": letter, "halt": None if state.order.ended else halt}
    return state.view().model_copy(update=troubles)


def _halt_code(trading: AccountTrading) -> Literal["log_behind", "trading_halted"]:
    return "log_behind" if trading.behind and not trading.unreadable else "trading_halted"


def _undecided_attempts(order: Order) -> list[int]:
    """The attempts that may still land, the one whose end isn't proven while the order goes on, the confirmed one that
    no node may have shown to be final yet; else the newest of those that count as lost, which the guard may refute.
    """
    undecided = list(order.live_attempts)
    if order.unproven_attempt and not order.ended:
        undecided.append(order.unproven_attempt)
    if not order.is_finalized:
        undecided += [attempt for attempt in order.attempts if attempt.end == "confirmed"]
    if not undecided and order.guard_taken_by is None:
        undecided += order.attempts[-1:]
    return [attempt.number for attempt in undecided]
