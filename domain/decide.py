"""What follows from a command: the events to append, all in one request, or a refusal.

The rule everything else serves: from ``TransactionBuilt`` until its ``AttemptExpired``, ``AttemptRejected`` or
success an attempt is live. While one is live the order ends by a success alone, its swap's or its cancel's, and gets
another transaction only with the same guard, of which the chain lets one succeed.

``decide_trigger`` says when a price sets an order off, ``decide_route`` which quote it takes and for what minimum,
``decide_built`` what is signed, ``decide_attempt`` what became of it, ``decide_restated`` what a fork
made of one that was confirmed, ``decide_paper`` what a paper order is filled at, ``decide_cancel`` how
an order is cancelled, ``decide_leg`` what the other orders of its list mean for it, ``decide_amend`` how one that waits
is amended, ``decide_end`` when it fails or rests.
"""

from __future__ import annotations

from typing import assert_never

from domain import commands as c
from domain import events as e
from domain.decide_amend import amend
from domain.decide_attempt import record_expiry, record_landing, record_sent, reject_build
from domain.decide_built import record_built, replace_swap
from domain.decide_cancel import request_cancel
from domain.decide_elsewhere import record_closed_elsewhere, record_elsewhere
from domain.decide_end import discard, give_up
from domain.decide_leg import end_by_other_leg, release
from domain.decide_paper import fill_on_paper
from domain.decide_restated import restate
from domain.decide_route import record_quotes
from domain.decide_trigger import observe_price
from domain.errors import DomainError, NotApplicableError
from domain.order import Order


def decide(order: Order | None, command: c.OrderCommand) -> list[e.OrderEvent]:  # noqa: PLR0912 - one a command
    """The events that ``command`` leads to, given ``order``; an empty list where there is nothing to record.

    Raises ``NotApplicableError`` where the order has moved on, ``LandedAfterEndError`` where the chain contradicts the
    log.
    """
    if isinstance(command, c.SubmitOrder):
        return _submit(order, command)
    if order is None:
        raise DomainError("order_not_found", "There is no such order.")
    match command:
        case c.ObservePrice():
            return observe_price(order, command)
        case c.RecordQuotes():
            return record_quotes(order, command)
        case c.FillOnPaper():
            return fill_on_paper(order, command)
        case c.RejectBuild():
            return reject_build(order, command)
        case c.RecordBuilt():
            return record_built(order, command)
        case c.ReplaceSwap():
            return replace_swap(order, command)
        case c.RecordSent():
            return record_sent(order, command)
        case c.RecordLanding():
            return record_landing(order, command)
        case c.RestateOutcome():
            return restate(order, command)
        case c.RecordExpiry():
            return record_expiry(order, command)
        case c.GiveUp():
            return give_up(order, command)
        case c.RequestCancel():
            return request_cancel(order, command)
        case c.ReleaseOrder():
            return release(order, command)
        case c.RecordOtherLeg():
            return end_by_other_leg(order, command)
        case c.AmendOrder():
            return amend(order, command)
        case c.RecordElsewhere():
            return record_elsewhere(order, command)
        case c.RecordClosedElsewhere():
            return record_closed_elsewhere(order, command)
        case c.DiscardOrder():
            return discard(order, command)
        case _:
            assert_never(command)


def _submit(order: Order | None, command: c.SubmitOrder) -> list[e.OrderEvent]:
    if order is not None:
        raise NotApplicableError("The order is already recorded.")
    if (command.terms.amount_in > 0) == (command.terms.amount_out is not None):
        raise DomainError("one_amount", "An order names either its amount in or its amount out.")
    submitted = e.OrderSubmitted(
        **vars(command.terms),
        deadline=command.deadline,
        network=command.network,
        paper=command.paper,
        leg=command.leg,
        parent_id=command.parent_id,
    )
    if not command.terms.starts_at_once or (command.leg and command.leg.follows_first):
        return [submitted]
    return [submitted, e.OrderTriggered(reason="market" if command.terms.type == "market" else "immediate")]
