"""Which quote an order takes, and the minimum out, or maximum in, that the chain will enforce for it."""

from __future__ import annotations

from domain import commands as c
from domain import events as e
from domain import exact_out
from domain.codes import MISQUOTED, Code, meaning
from domain.decide_end import fail_or_rest, require_status, rested
from domain.errors import NotApplicableError
from domain.exact_out import is_dearer, maximum_of
from domain.order import Order
from domain.quotes import Quote, Refusal
from domain.routing import POLICY, POLICY_VERSION, best, minimum_out
from domain.time_in_force import past_deadline


def record_quotes(order: Order, command: c.RecordQuotes) -> list[e.OrderEvent]:
    """Take the best quote where it meets the order's minimum (``Order.minimum_out``: a limit order's is its limit)."""
    require_status(order, "routing")
    if order.cancellation:
        raise NotApplicableError("The order is to be cancelled.")
    chosen = best(command.quotes)
    if chosen is not None and not past_deadline(order, command.now):
        if routed := route_of(order, command):
            return [routed]
        if order.may_rest:
            if order.unproven_attempt or order.is_taken_elsewhere:
                return []
            return [rested(order, Code.LIMIT_NOT_MET, None, command.quotes, command.refusals)]
    code = _why_no_route(order, chosen, command.refusals)
    return fail_or_rest(order, code, command.now, command.quotes, command.refusals)


def route_of(order: Order, command: c.RecordQuotes) -> e.OrderRouted | None:
    """The best quote, where it meets the order's minimum, and its maximum."""
    chosen = best(command.quotes)
    if chosen is None:
        return None
    maximum = maximum_of(order, chosen)
    minimum = order.amount_out or minimum_out(chosen, order.slippage_bps, order.minimum_out)
    if chosen.amount_out < minimum or (maximum is not None and chosen.amount_in > maximum):
        return None
    return e.OrderRouted(
        quotes=command.quotes,
        refusals=command.refusals,
        chosen=chosen,
        policy=POLICY if maximum is None else exact_out.POLICY,
        policy_version=POLICY_VERSION if maximum is None else exact_out.POLICY_VERSION,
        expected_out=chosen.amount_out,
        minimum_out=minimum,
        maximum_in=maximum,
    )


def _why_no_route(order: Order, chosen: Quote | None, refusals: tuple[Refusal, ...]) -> str:
    if chosen is not None and order.limit_price is not None and not order.may_rest:
        return Code.LIMIT_NOT_MET
    if chosen is not None:
        below = order.first_minimum_out is not None and chosen.amount_out < order.first_minimum_out
        return Code.SLIPPAGE_EXCEEDED if below or is_dearer(order, chosen) else order.obstacle or Code.DEADLINE_PASSED
    # Only when every venue says something final is it final: one that is merely unreachable may hold the pair.
    if not refusals:
        return Code.VENUE_UNAVAILABLE
    passing = [refusal.code for refusal in refusals if not meaning(refusal.code).final]
    if passing:
        # A venue that proposed what was refused is left alone for it: that isn't one that didn't answer.
        refused = order.obstacle if order.obstacle in MISQUOTED else None
        return refused if refused and passing[0] == Code.VENUE_UNAVAILABLE else passing[0]
    reasons = [refusal.code for refusal in refusals]
    telling = [code for code in reasons if code not in (Code.NO_VENUE, Code.EXACT_OUT_UNSUPPORTED)]
    if telling:
        return telling[0]
    return Code.EXACT_OUT_UNSUPPORTED if Code.EXACT_OUT_UNSUPPORTED in reasons else Code.NO_VENUE
