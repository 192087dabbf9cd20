"""What may be signed for an order: its next swap, one more beside a swap that nobody sees, or its cancel.

All of them make the same guard, so the chain lets one of them succeed.
"""

from __future__ import annotations

from datetime import datetime

from domain import commands as c
from domain import events as e
from domain.codes import Code
from domain.decide_end import fail_or_rest, require_status
from domain.decide_paper import require_real
from domain.decide_route import route_of
from domain.errors import DomainError, NotApplicableError
from domain.evolve import evolve
from domain.order import Attempt, Order
from domain.time_in_force import past_deadline

MOST_LIVE = 3
"""So many swaps of an order may be on their way at a time, and so many cancels."""


def record_built(order: Order, command: c.RecordBuilt) -> list[e.OrderEvent]:
    """The next attempt: a swap where none is live, or a cancel beside whatever is."""
    if command.purpose == "cancel":
        if order.ended or order.cancellation is None:
            raise NotApplicableError("The order isn't to be cancelled.")
        if len(live(order, "cancel")) >= MOST_LIVE:
            raise NotApplicableError(f"{MOST_LIVE} cancels of the order are on their way.")
        return [_built(order, command)]
    require_status(order, "building")
    if order.cancellation:
        raise NotApplicableError("The order is to be cancelled.")
    if past_deadline(order, command.now):
        return fail_or_rest(order, order.obstacle or Code.DEADLINE_PASSED, command.now)
    return [_built_swap(order, command)]


def replace_swap(order: Order, command: c.ReplaceSwap) -> list[e.OrderEvent]:
    """One more swap beside the live ones, by a new route within the order's minimum; both events or nothing."""
    if not is_replaceable(order, command.built.now):
        raise NotApplicableError("The order's swap is not one to be replaced.")
    routed = route_of(order, command.quotes)
    if routed is None:
        raise NotApplicableError("No quote meets the order's minimum.")
    return [routed, _built_swap(evolve(order, routed), command.built)]


def is_replaceable(order: Order, now: datetime) -> bool:
    """Whether another swap may join those that are on their way, all of which were sent."""
    swaps = live(order, "swap")
    if order.ended or order.cancellation or past_deadline(order, now):
        return False
    return 0 < len(swaps) < MOST_LIVE and all(swap.submitted for swap in swaps)


def live(order: Order, purpose: e.Purpose) -> list[Attempt]:
    """The attempts of that purpose that may still land, the oldest first."""
    return [attempt for attempt in order.live_attempts if attempt.purpose == purpose]


def _built_swap(order: Order, command: c.RecordBuilt) -> e.TransactionBuilt:
    if order.route is None or command.minimum_out < order.route.minimum_out:
        raise DomainError("minimum_too_low", "The transaction would accept less than the route's minimum.")
    if order.amount_out is not None and not 0 < (command.maximum_in or 0) <= (order.route.maximum_in or 0):
        raise DomainError("maximum_too_high", "The transaction would pay more than the route's maximum.")
    return _built(order, command)


def _built(order: Order, command: c.RecordBuilt) -> e.TransactionBuilt:
    require_real(order)
    if command.attempt != len(order.attempts) + 1:
        raise NotApplicableError(f"Attempt {command.attempt} is not the next one.")
    if order.guard is not None and command.guard != order.guard:
        raise DomainError("another_guard", "The transaction would make another guard: two of them could succeed.")
    return e.TransactionBuilt(
        attempt=command.attempt,
        transaction=command.transaction,
        signature=command.signature,
        wallet=command.wallet,
        memo=command.memo,
        genesis_hash=command.genesis_hash,
        blockhash=command.blockhash,
        blockhash_slot=command.blockhash_slot,
        last_valid_block_height=command.last_valid_block_height,
        minimum_out=command.minimum_out,
        guard=command.guard,
        guard_rent_lamports=command.guard_rent_lamports,
        height=command.height,
        purpose=command.purpose,
        compute_unit_price=command.compute_unit_price,
        priority_fee_lamports=command.priority_fee_lamports,
        tip_lamports=command.tip_lamports,
        maximum_in=command.maximum_in,
    )
