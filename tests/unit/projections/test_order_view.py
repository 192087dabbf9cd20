"""What a client sees of an order at each step of its life."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from domain import commands as c
from domain import events as e
from domain.decide import decide
from domain.evolve import fold
from projections.history import fold_recorded, until
from tests.unit.domain.scenario import (
    NOW,
    built,
    expired,
    landing,
    quote,
    quoted,
    routed,
    sent,
    submit,
    submitted,
)
from tests.unit.projections.recording import MAPPER, record, recorded_at


def told(*events: e.OrderEvent) -> dict[str, Any]:
    state = fold_recorded(MAPPER, record(events))
    assert state is not None
    return state.view().model_dump(mode="json", by_alias=True)


BUILT = (*submitted(client_order_id="a-1"), routed(), built())
SENT = (*BUILT, sent())


def confirmed(*events: e.OrderEvent) -> tuple[e.OrderEvent, ...]:
    return (*events, *decide(fold(events), landing()))


def test_a_new_order_shows_its_terms_and_nothing_that_is_not_known_yet() -> None:
    assert told(*submitted()) == {
        "orderId": "01900000-0000-7000-8000-000000000001",
        "status": "routing",
        "version": 2,
        "type": "market",
        "pair": "SOL/USDC",
        "side": "sell",
        "tokenIn": "SOL",
        "tokenOut": "USDC",
        "amountIn": "1.5",
        "slippageBps": 50,
        "network": "localnet",
        "submittedAt": "2026-01-01T00:00:00.010Z",
        "updatedAt": "2026-01-01T00:00:00.020Z",
        "attempts": 0,
    }


def test_a_signed_transaction_is_an_attempt_and_its_hash_appears_once_it_was_sent() -> None:
    view = told(*BUILT)
    assert (view["status"], view["attempts"], view["dex"]) == ("building", 1, "Raydium")
    assert "txHash" not in view
    assert told(*SENT)["txHash"] == "signature-1"


def test_a_later_route_changes_the_dex_and_the_hash_stays_until_the_next_send() -> None:
    again = (*SENT, expired(), routed(chosen=quote(venue="Orca")), built(2))
    view = told(*again)
    assert (view["dex"], view["attempts"], view["txHash"]) == ("Orca", 2, "signature-1")
    assert told(*again, sent(2))["txHash"] == "signature-2"


def test_a_fill_shows_amounts_price_and_fees_in_token_units() -> None:
    view = told(*confirmed(*SENT))
    assert view["status"] == "confirmed"
    assert view["txHash"] == "signature-1"
    assert (view["executedAmountIn"], view["executedAmountOut"]) == ("1.5", "224")
    assert view["executedPrice"] == "149.333333333333333"
    assert view["fee"] == {
        "networkLamports": "5000",
        "guardRentLamports": "2039280",
        "venue": {"token": "SOL", "amount": "0.00375"},
    }


def test_a_failure_says_why_and_whether_to_try_again() -> None:
    view = told(*submitted(), e.OrderFailed(code="no_venue", detail="No venue trades this pair.", retryable=False))
    assert view["failure"] == {"code": "no_venue", "detail": "No venue trades this pair.", "retryable": False}
    assert "dex" not in view


def test_the_past_is_the_fold_of_what_was_recorded_by_then() -> None:
    history = record(confirmed(*SENT))
    by_version = fold_recorded(MAPPER, until(history, version=4))
    by_instant = fold_recorded(MAPPER, until(history, as_of=recorded_at(4) + timedelta(milliseconds=9)))
    assert by_version == by_instant
    assert by_version is not None
    assert (by_version.version, by_version.order.status) == (4, "building")
    assert fold_recorded(MAPPER, until(history, as_of=NOW)) is None


def test_an_order_on_paper_says_so_and_names_no_transaction() -> None:
    events = tuple(decide(None, replace(submit(), paper=True)))
    assert told(*events)["paper"] is True
    view = told(*events, *decide(fold(events), c.FillOnPaper(quoted(quote()))))
    assert (view["status"], view["paper"], view["dex"], view["attempts"]) == ("confirmed", True, "Raydium", 0)
    assert (view["executedAmountIn"], view["executedAmountOut"]) == ("1.5", "224")
    assert view["fee"] == {"networkLamports": "0", "venue": {"token": "SOL", "amount": "0.00375"}}
    assert "txHash" not in view
    assert "paper" not in told(*submitted())
