"""What follows from a command: the events to append, all in one request, or a refusal.

The rule everything else serves: from ``TransactionBuilt`` until its ``AttemptExpired``, ``AttemptRejected`` or
``OrderConfirmed`` an attempt is live, and while one is live the order neither fails nor gets a second transaction.
"""

from __future__ import annotations

from datetime import datetime
from functools import singledispatch

from domain import commands as c
from domain import events as e
from domain.account import Contradiction
from domain.codes import Code, meaning
from domain.errors import DomainError, LandedAfterEnd, NotApplicable
from domain.evidence import ExpiryEvidence
from domain.numbers import ratio
from domain.order import Attempt, Order, evolve
from domain.quotes import Quote, Refusal
from domain.routing import POLICY, POLICY_VERSION, best, minimum_out
from domain.triggers import MOST_REJECTIONS, TRIGGERED_FOR, clearly_better, limit_met, rest_until, stop_met


def decide(order: Order | None, command: c.OrderCommand) -> list[e.OrderEvent]:
    """The events that ``command`` leads to, given ``order``; an empty list where there is nothing to record.

    Raises ``NotApplicable`` where the order has moved on, ``LandedAfterEnd`` where the chain contradicts the log.
    """
    if isinstance(command, c.SubmitOrder):
        return _submit(order, command)
    if order is None:
        raise DomainError("order_not_found", "There is no such order.")
    return _decide(command, order)


def _submit(order: Order | None, command: c.SubmitOrder) -> list[e.OrderEvent]:
    if order is not None:
        raise NotApplicable("The order is already recorded.")
    submitted = e.OrderSubmitted(**{name: getattr(command, name) for name in e.OrderSubmitted.model_fields})
    return [submitted, e.OrderTriggered(reason="market")] if command.type == "market" else [submitted]


@singledispatch
def _decide(command: c.OrderCommand, order: Order) -> list[e.OrderEvent]:
    raise NotImplementedError(type(command).__name__)


@_decide.register
def _(command: c.ObservePrice, order: Order) -> list[e.OrderEvent]:
    if not order.waits_for_price or order.limit_price is None:
        raise NotApplicable("The order does not wait for a price.")
    observation, decided = command.observation, list[e.OrderEvent]()
    if order.stop_price is not None and not order.stop_reached:
        if not stop_met(order.side, observation.touch, order.stop_price):
            return []
        decided.append(e.StopTriggered(observation=observation))
    met = limit_met(order.side, observation.touch, order.limit_price)
    if met and _armed(order, command):
        deadline = command.now + TRIGGERED_FOR
        decided.append(e.OrderTriggered(reason="limit", observation=observation, deadline=deadline))
    return decided


def _armed(order: Order, command: c.ObservePrice) -> bool:
    """An order that rests again needs a better price or its time: a still price makes no loop."""
    if order.rest is None:
        return True
    if order.rest.armed_at is not None:
        return command.now >= order.rest.armed_at
    return command.met_at_size or clearly_better(order.side, command.observation.touch, order.rest.touch)


@_decide.register
def _(command: c.RecordQuotes, order: Order) -> list[e.OrderEvent]:
    _require_status(order, "routing")
    chosen = best(command.quotes)
    if chosen is not None and not _past_deadline(order, command.now):
        minimum = minimum_out(chosen, order.slippage_bps, order.minimum_out)
        if chosen.amount_out >= minimum:
            return [
                e.OrderRouted(
                    quotes=command.quotes,
                    refusals=command.refusals,
                    chosen=chosen,
                    policy=POLICY,
                    policy_version=POLICY_VERSION,
                    expected_out=chosen.amount_out,
                    minimum_out=minimum,
                )
            ]
        if order.triggered_at is not None:
            return [_rested(order, Code.LIMIT_NOT_MET, None, command.quotes, command.refusals)]
    code = _why_no_route(order, chosen, command.refusals)
    return _fail_or_rest(order, code, command.now, command.quotes, command.refusals)


@_decide.register
def _(command: c.RejectBuild, order: Order) -> list[e.OrderEvent]:
    _require_status(order, "building")
    rejected = e.BuildRejected(code=command.code, detail=command.detail, logs=command.logs)
    return [rejected, *_fail_or_rest(evolve(order, rejected), command.code, command.now)]


@_decide.register
def _(command: c.RecordBuilt, order: Order) -> list[e.OrderEvent]:
    _require_status(order, "building")
    if _past_deadline(order, command.now):
        return _fail_or_rest(order, order.obstacle or Code.DEADLINE_PASSED, command.now)
    if command.attempt != len(order.attempts) + 1:
        raise NotApplicable(f"Attempt {command.attempt} is not the next one.")
    if order.route is None or command.minimum_out < order.route.minimum_out:
        raise DomainError("minimum_too_low", "The transaction would accept less than the route's minimum.")
    return [e.TransactionBuilt(**{name: getattr(command, name) for name in e.TransactionBuilt.model_fields})]


@_decide.register
def _(command: c.RecordSent, order: Order) -> list[e.OrderEvent]:
    attempt = _attempt(order, command.attempt, command.signature)
    if attempt.submitted or attempt.end is not None or order.ended:
        raise NotApplicable(f"The first send of attempt {attempt.number} is already recorded.")
    return [_submitted(attempt, command.answer)]


@_decide.register
def _(command: c.RecordLanding, order: Order) -> list[e.OrderEvent]:
    landing = command.landing
    attempt = _attempt(order, command.attempt, landing.signature)
    if attempt.end == "confirmed" or (attempt.end == "rejected" and landing.error):
        raise NotApplicable(f"The landing of attempt {attempt.number} is already recorded.")
    if landing.error and landing.commitment != "finalized":
        raise NotApplicable("An error that isn't finalized can be undone by a fork.")
    if order.ended or (landing.error and attempt.end is not None):
        second = order.status == "confirmed" and landing.error is None
        kind: Contradiction = "second_success" if second else "landed_after_end"
        raise LandedAfterEnd(
            kind, f"Attempt {attempt.number} landed in slot {landing.slot} after its end was recorded."
        )
    # A landing may be learned before anyone recorded the send: the story still tells both, in order.
    sent = [] if attempt.submitted or attempt.end else [_submitted(attempt, "not recorded; the transaction landed")]
    if landing.error is None:
        return [*sent, _confirmed(order, attempt, command)]
    rejected = e.AttemptRejected(
        attempt=attempt.number,
        signature=attempt.signature,
        slot=landing.slot,
        code=landing.error.code,
        detail=landing.error.detail,
        logs=landing.error.logs,
        fee_lamports=landing.fee_lamports,
    )
    return [*sent, rejected, *_fail_or_rest(evolve(order, rejected), landing.error.code, command.now)]


@_decide.register
def _(command: c.RecordExpiry, order: Order) -> list[e.OrderEvent]:
    attempt = order.attempt(command.attempt)
    if attempt is None or attempt.end is not None or order.ended:
        raise NotApplicable(f"Attempt {command.attempt} is not live.")
    if isinstance(command.evidence, ExpiryEvidence):
        gap = command.evidence.gap(
            genesis_hash=attempt.genesis_hash,
            blockhash_slot=attempt.blockhash_slot,
            last_valid_block_height=attempt.last_valid_block_height,
        )
        if gap:
            raise DomainError("evidence_incomplete", f"That is no proof of expiry: {gap}.")
    expired = e.AttemptExpired(attempt=attempt.number, signature=attempt.signature, evidence=command.evidence)
    return [expired, *_fail_or_rest(order, Code.TRANSACTION_EXPIRED, command.now)]


@_decide.register
def _(command: c.GiveUp, order: Order) -> list[e.OrderEvent]:
    if order.ended or order.live_attempt:
        raise NotApplicable("The order has ended, or may still land.")
    return _fail_or_rest(order, command.code, command.now)


@_decide.register
def _(command: c.DiscardOrder, order: Order) -> list[e.OrderEvent]:
    if order.live_attempt:
        raise DomainError("live_attempt", f"Attempt {order.live_attempt.number} may still land; it is followed on.")
    if order.ended:
        raise NotApplicable(f"The order is {order.status}.")
    return [_failed(Code.DISCARDED)]


def _require_status(order: Order, status: e.Status) -> None:
    """Refuse unless the order is at ``status`` with nothing on its way to the chain."""
    if order.status != status or order.live_attempt:
        raise NotApplicable(f"The order is {order.status}, not {status} without a live attempt.")


def _attempt(order: Order, number: int, signature: str) -> Attempt:
    attempt = order.attempt(number)
    if attempt is None or attempt.signature != signature:
        raise DomainError("unknown_attempt", f"The order has no attempt {number} with that signature.")
    return attempt


def _why_no_route(order: Order, chosen: Quote | None, refusals: tuple[Refusal, ...]) -> str:
    if chosen is not None:
        below = order.first_minimum_out is not None and chosen.amount_out < order.first_minimum_out
        return Code.SLIPPAGE_EXCEEDED if below else order.obstacle or Code.DEADLINE_PASSED
    # Only when every venue says something final is it final: one that is merely unreachable may hold the pair.
    if not refusals:
        return Code.VENUE_UNAVAILABLE
    passing = [refusal.code for refusal in refusals if not meaning(refusal.code).final]
    if passing:
        return passing[0]
    reasons = [refusal.code for refusal in refusals if refusal.code != Code.NO_VENUE]
    return reasons[0] if reasons else Code.NO_VENUE


def _fail_or_rest(
    order: Order,
    code: str,
    now: datetime,
    quotes: tuple[Quote, ...] = (),
    refusals: tuple[Refusal, ...] = (),
) -> list[e.OrderEvent]:
    """The order's end, or its rest, where trying on is over; called only where no attempt is live.

    A final code fails any order. A passing one fails a market order past its deadline and rests a limit order past the
    deadline of its trigger, or after too many rejections.
    """
    if meaning(code).final:
        return [_failed(code, quotes, refusals)]
    if order.triggered_at is None:
        return [_failed(code, quotes, refusals)] if _past_deadline(order, now) else []
    if _past_deadline(order, now) or order.rejections >= MOST_REJECTIONS:
        armed_at = rest_until(now, order.rest.failures if order.rest else 0)
        return [_rested(order, code, armed_at, quotes, refusals)]
    return []


def _past_deadline(order: Order, now: datetime) -> bool:
    return order.deadline is not None and now >= order.deadline


def _rested(
    order: Order, code: str, armed_at: datetime | None, quotes: tuple[Quote, ...], refusals: tuple[Refusal, ...]
) -> e.OrderRested:
    if order.triggered_at is None:
        raise DomainError("not_triggered", "Only a triggered order can rest.")
    return e.OrderRested(
        code=code,
        detail=meaning(code).sentence,
        touch=order.triggered_at,
        armed_at=armed_at,
        quotes=quotes,
        refusals=refusals,
    )


def _failed(code: str, quotes: tuple[Quote, ...] = (), refusals: tuple[Refusal, ...] = ()) -> e.OrderFailed:
    told = meaning(code)
    return e.OrderFailed(code=code, detail=told.sentence, retryable=not told.final, quotes=quotes, refusals=refusals)


def _submitted(attempt: Attempt, answer: str) -> e.TransactionSubmitted:
    return e.TransactionSubmitted(attempt=attempt.number, signature=attempt.signature, answer=answer)


def _confirmed(order: Order, attempt: Attempt, command: c.RecordLanding) -> e.OrderConfirmed:
    landing = command.landing
    if not (landing.amount_in and landing.amount_out):
        raise DomainError("amounts_missing", "The transaction succeeded, yet its balances show no swap.")
    base, quote = (
        ((landing.amount_in, order.token_in), (landing.amount_out, order.token_out))
        if order.side == "sell"
        else ((landing.amount_out, order.token_out), (landing.amount_in, order.token_in))
    )
    return e.OrderConfirmed(
        attempt=attempt.number,
        tx_hash=landing.signature,
        slot=landing.slot,
        commitment=landing.commitment,
        venue=attempt.quote.venue,
        amount_in=landing.amount_in,
        amount_out=landing.amount_out,
        executed_price=ratio(quote[0], quote[1].decimals, base[0], base[1].decimals),
        network_fee_lamports=landing.fee_lamports + order.fees_lost_lamports,
        venue_fee=attempt.quote.fee_amount,
        venue_fee_token=attempt.quote.fee_token,
        because=command.because,
    )
