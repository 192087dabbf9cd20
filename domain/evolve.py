"""How each event changes an order: ``evolve`` is total over the events this version knows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import reduce
from typing import TypedDict, assert_never

from domain import events as e
from domain.codes import MISQUOTED, Code
from domain.evidence import GuardTaken
from domain.evolve_attempts import (
    attempt_of,
    in_question,
    was_swap,
    with_change,
    with_end,
    with_expiry,
    with_rejection,
)
from domain.misquoted import may_be_widened, widened
from domain.numbers import BaseUnits, Price, Total, total
from domain.order import ENDS, Attempt, Cancellation, Failure, Fill, IfSet, Order, PaperFill, Rest, Route
from domain.terms import AmountIn, AmountOut, ExpiresAt

# The names themselves: pydantic looks for them at each asking, which took longer than making a fill.
_FILLED = tuple(Fill.model_fields)


class OrderChange(TypedDict, total=False):
    """The fields of an ``Order`` that events change, each with the field's own type.

    A model's copy takes any names and values; by this mypy checks them.
    """

    status: e.Status
    limit_price: Price | None
    stop_price: Price | None
    amount_in: AmountIn
    amount_out: AmountOut
    slippage_bps: int
    slippage_defaulted: bool
    expires_at: ExpiresAt
    deadline: datetime | None
    stop_reached: bool
    best_touch: IfSet[Price | None]
    triggered_at: Price | None
    rejections: int
    rest: Rest | None
    first_minimum_out: BaseUnits | None
    first_maximum_in: IfSet[BaseUnits | None]
    misquoted: IfSet[bool]
    route: Route | None
    attempts: tuple[Attempt, ...]
    fees_lost_lamports: Total
    obstacle: str | None
    fill: Fill | None
    failure: Failure | None
    cancellation: IfSet[Cancellation | None]
    paper_fill: IfSet[PaperFill | None]
    released: IfSet[bool]


def evolve(order: Order | None, event: e.OrderEvent) -> Order:
    """``order`` after ``event``; the first event of a stream makes the order.

    Raises ``ValueError`` where ``event`` cannot follow.
    """
    if order is None:
        if not isinstance(event, e.OrderSubmitted):
            raise ValueError(f"a stream begins with OrderSubmitted, not {type(event).__name__}")
        return Order(**vars(event))
    change = _change(order, event)
    if event.status is not None:
        change["status"] = _status(order, event, event.status)
    return order.model_copy(update=change)


def _status(order: Order, event: e.OrderEvent, said: e.Status) -> e.Status:
    """The status after ``event``, which is ``said`` of it where nothing else stands: an end stays, and so does
    `submitted` while another attempt that was sent is live.
    """
    # A cancel that landed in the place of a confirmed swap leaves nothing that the order is confirmed by.
    if order.ended and (order.status != "confirmed" or order.fill):
        return order.status
    if said in ENDS or not order.attempts:
        return said
    ended = event.attempt if isinstance(event, e.AttemptRejected | e.AttemptExpired) else None
    if any(attempt.submitted and attempt.end is None and attempt.number != ended for attempt in order.attempts):
        return "submitted"
    return said


def fold(events: Iterable[e.OrderEvent], order: Order | None = None) -> Order | None:
    """The state after ``events``, from ``order`` on, which is None before an order's first event."""
    return reduce(evolve, events, order)


def _change(order: Order, event: e.OrderEvent) -> OrderChange:  # noqa: PLR0912 - a branch for each event
    """What ``event`` changes beside the status."""
    # The events of an undelayed order stand first: a case that doesn't match costs a third of a microsecond.
    match event:
        case e.OrderTriggered():
            return _apply_triggered(event)
        case e.OrderRouted():
            return _apply_routed(order, event)
        case e.TransactionBuilt():
            return _apply_built(order, event)
        case e.TransactionSubmitted():
            return {"attempts": with_change(order.attempts, event.attempt, {"submitted": True})}
        case e.OrderConfirmed():
            return _apply_confirmed(order, event)
        case e.TrailMoved():
            return {"best_touch": event.observation.touch}
        case e.StopTriggered():
            return {"stop_reached": True}
        case e.OrderRested():
            return _apply_rested(order, event)
        case e.BuildRejected():
            return _apply_build_rejected(order, event)
        case e.AttemptRejected():
            return _apply_attempt_rejected(order, event)
        case e.AttemptExpired():
            return _apply_attempt_expired(order, event)
        case e.OrderFailed():
            return {"failure": _failure(event), **_by_cancel(order, event.evidence)}
        case e.CancelRequested():
            return {"cancellation": Cancellation(code=event.code, by=event.by, because=event.because)}
        case e.OrderCancelled():
            return _by_other_leg(order, event.taken) if event.taken else _by_cancel(order, event.evidence)
        case e.OrderReleased():
            return {"released": True, "deadline": event.deadline}
        case e.OrderRestated():
            return _apply_restated(order, event)
        case e.PaperFilled():
            return {"paper_fill": PaperFill(**vars(event))}
        case e.OrderAmended():
            return _apply_amended(order, event)
        case e.OrderSubmitted():
            return {}
        case _:
            assert_never(event)


def _apply_triggered(event: e.OrderTriggered) -> OrderChange:
    if event.observation is None:
        return {}
    return {"triggered_at": event.observation.touch, "deadline": event.deadline, "rejections": 0, "obstacle": None}


def _apply_amended(order: Order, event: e.OrderAmended) -> OrderChange:
    change: OrderChange = {"rest": None}
    if event.limit_price is not None:
        change["limit_price"] = event.limit_price
    if event.stop_price is not None:
        change["stop_price"] = event.stop_price
    if event.slippage_bps is not None:
        change["slippage_bps"], change["slippage_defaulted"] = event.slippage_bps, False
    if event.expires_at is not None:
        change["expires_at"] = event.expires_at
    if event.amount_out is not None:
        change["amount_out"] = event.amount_out
    if event.amount_in is not None:
        change["amount_in"] = event.amount_in
        # What was signed before keeps the amount that it was signed for, should it land in spite of every proof.
        signed = ((attempt, order.amount_of(attempt)) for attempt in order.attempts)
        change["attempts"] = tuple(attempt.model_copy(update={"amount_in": amount}) for attempt, amount in signed)
    return change


def _apply_rested(order: Order, event: e.OrderRested) -> OrderChange:
    failures = order.rest.failures if order.rest else 0
    counted = failures + 1 if event.armed_at else 0
    return {"rest": Rest(touch=event.touch, armed_at=event.armed_at, failures=counted), "deadline": None}


def _apply_routed(order: Order, event: e.OrderRouted) -> OrderChange:
    first = order.first_minimum_out if order.first_minimum_out is not None else event.minimum_out
    route = Route(chosen=event.chosen, minimum_out=event.minimum_out, maximum_in=event.maximum_in)
    most = order.first_maximum_in if order.first_maximum_in is not None else event.maximum_in
    return {"route": route, "first_minimum_out": first, "first_maximum_in": most}


def _by_cancel(order: Order, evidence: e.CancelEvidence | None) -> OrderChange:
    """The order ended by its cancel on chain, where there is ``evidence``."""
    if evidence is None or order.cancellation is None:
        return {}
    ended = {
        "tx_hash": evidence.signature,
        "network_fee_lamports": evidence.network_fee_lamports,
        "guard_rent_lamports": evidence.guard_rent_lamports,
    }
    return {
        "attempts": with_end(order, evidence.attempt, evidence.signature, "cancelled"),
        "cancellation": order.cancellation.model_copy(update=ended),
    }


def _by_other_leg(order: Order, taken: GuardTaken) -> OrderChange:
    """Another order of its list took the guard: the order's own attempts cost what they failed for."""
    if order.cancellation is None:
        return {}
    ended = {"tx_hash": taken.taken_by, "network_fee_lamports": order.fees_lost_lamports}
    return {"cancellation": order.cancellation.model_copy(update=ended)}


def _apply_built(order: Order, event: e.TransactionBuilt) -> OrderChange:
    is_swap = event.purpose == "swap"
    if is_swap and order.route is None:
        raise ValueError("a swap was built before the order was routed")
    quote = order.route.chosen if is_swap and order.route else None
    return {"attempts": (*order.attempts, attempt_of(event, quote))}


def _apply_build_rejected(order: Order, event: e.BuildRejected) -> OrderChange:
    if event.code == Code.GUARD_TAKEN:
        return {"obstacle": event.code, "attempts": in_question(order.attempts)}
    change: OrderChange = {"rejections": order.rejections + 1}
    if not order.is_taken_elsewhere:
        # A node that lags doesn't know the guard yet, and what it says instead takes back nothing.
        change["obstacle"] = event.code
    if event.code in MISQUOTED and may_be_widened(order):
        minimum, maximum = widened(order)
        change |= {"misquoted": True, "first_minimum_out": minimum, "first_maximum_in": maximum}
    if event.minimum_out is not None:
        change |= {"misquoted": True, "first_minimum_out": event.minimum_out}
    if event.maximum_in is not None:
        change |= {"misquoted": True, "first_maximum_in": event.maximum_in}
    return change


def _apply_attempt_rejected(order: Order, event: e.AttemptRejected) -> OrderChange:
    # Another attempt of the order was first: that says nothing of what was asked for.
    taken, is_swap = event.code == Code.GUARD_TAKEN, was_swap(order, event.attempt)
    return {
        "attempts": with_rejection(order.attempts, event),
        "obstacle": event.code if is_swap else order.obstacle,
        "rejections": order.rejections + 1 if is_swap and not taken else order.rejections,
        "fees_lost_lamports": total(order.fees_lost_lamports, event.fee_lamports),
        **_with_fee(order, event.fee_lamports),
    }


def _with_fee(order: Order, lamports: int) -> OrderChange:
    """What an attempt cost that failed after another one had ended the order."""
    if order.cancellation and order.cancellation.tx_hash:
        cost = total(order.cancellation.network_fee_lamports, lamports)
        return {"cancellation": order.cancellation.model_copy(update={"network_fee_lamports": cost})}
    if order.fill is None:
        return {}
    cost = total(order.fill.network_fee_lamports, lamports)
    return {"fill": order.fill.model_copy(update={"network_fee_lamports": cost})}


def _apply_attempt_expired(order: Order, event: e.AttemptExpired) -> OrderChange:
    is_swap = was_swap(order, event.attempt)
    attempts = with_expiry(order.attempts, event)
    return {"attempts": attempts, "obstacle": Code.TRANSACTION_EXPIRED.value if is_swap else order.obstacle}


def _apply_confirmed(order: Order, event: e.OrderConfirmed) -> OrderChange:
    fill = _fill(event)
    if event.because is not None:
        fill = fill.model_copy(update={"by_operator": True})
    return {"attempts": with_end(order, event.attempt, event.tx_hash, "confirmed"), "fill": fill}


def _fill(event: e.OrderConfirmed | e.OrderRestated) -> Fill:
    recorded = vars(event)
    return Fill(**{name: recorded[name] for name in _FILLED if name in recorded})


def _failure(event: e.OrderFailed) -> Failure:
    return Failure(code=event.code, detail=event.detail, retryable=event.retryable, tx_hash=event.tx_hash)


def _apply_restated(order: Order, event: e.OrderRestated) -> OrderChange:
    """Another attempt that had been confirmed may land yet, and then fails: the guard is taken."""
    attempts = order.attempts
    for attempt in attempts:
        if attempt.end == "confirmed" and attempt.number != event.attempt:
            attempts = with_change(attempts, attempt.number, {"end": None, "proven": False})
    if event.reason in ("cancel", "other_leg"):
        return {"attempts": attempts, "fill": None}
    fill = _fill(event)
    return {"attempts": with_change(attempts, event.attempt, {"end": "confirmed"}), "fill": fill}
