"""What the log says of each attempt, to be held against the chain."""

from __future__ import annotations

from uuid import UUID

from domain import events as e
from tests.unit.domain.scenario import built, expired, given, landing, routed, sent, submitted
from tests.unit.domain.test_restated import CANCEL, ONE, TWO, confirmed, final
from verification.attempts import Attempt, attempts_of

FEE, RENT = 5_000, 2_039_280


def told(*events: e.OrderEvent) -> list[Attempt]:
    return attempts_of(UUID(int=1), enumerate(events, 1))


def test_a_restated_swap_is_said_as_it_holds() -> None:
    history = confirmed(*ONE)
    (event,) = given(*history).when(final(slot=121, amount_out=223_000_000)).then(e.OrderRestated)
    (one,) = told(*history, event)
    assert (one.ending, one.slot, one.amount_out, one.fee_lamports) == ("confirmed", 121, 223_000_000, FEE)


def test_of_a_swap_that_a_sibling_took_the_place_of_nothing_is_said_until_it_ends() -> None:
    history = confirmed(*TWO)
    (event,) = given(*history).when(final(2)).then(e.OrderRestated)
    first, second = told(*history, event)
    assert (first.ending, first.slot, first.amount_out, first.fee_lamports) == (None, None, None, None)
    assert (second.ending, second.signature, second.guard_lamports) == ("confirmed", "signature-2", RENT)
    (lost,) = given(*history, event).when(landing(1, "finalized", "guard_taken")).then(e.AttemptRejected)
    first, second = told(*history, event, lost)
    assert (first.ending, first.fee_lamports, second.fee_lamports) == ("rejected", FEE, FEE)


def test_a_cancel_in_the_place_of_a_confirmed_swap_is_the_one_that_landed() -> None:
    history = confirmed(*ONE, e.CancelRequested(code="cancelled"), CANCEL, sent(2))
    events = given(*history).when(final(2)).then(e.OrderRestated, e.OrderCancelled)
    swap, cancel = told(*history, *events)
    assert (swap.ending, cancel.ending, cancel.fee_lamports, cancel.guard_lamports) == (None, "cancelled", FEE, RENT)


def test_what_a_node_called_failed_and_succeeded_costs_its_fee_once() -> None:
    history = (*ONE, *given(*ONE).when(landing(1, "finalized", "program_error")).then(e.AttemptRejected))
    (success,) = given(*history).when(landing(1)).then(e.OrderConfirmed)
    assert isinstance(success, e.OrderConfirmed)
    assert success.network_fee_lamports == FEE
    (one,) = told(*history, success)
    assert (one.ending, one.fee_lamports) == ("confirmed", FEE)


def test_what_failed_stays_failed_where_its_proof_comes_later() -> None:
    failed = e.AttemptRejected(
        attempt=1, signature="signature-1", slot=120, code="program_error", detail="", fee_lamports=FEE
    )
    (one,) = told(*submitted(), routed(), built(), sent(), failed, expired())
    assert (one.ending, one.fee_lamports) == ("rejected", FEE)
