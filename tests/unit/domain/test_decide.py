"""The rules of an order, one sentence each."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from domain import commands as c
from domain import events as e
from domain.codes import MEANINGS, MISQUOTED, Code
from domain.decide import decide
from domain.evolve import fold
from domain.quotes import Refusal
from tests.unit.domain.scenario import (
    LATE,
    NOW,
    build,
    built,
    evidence,
    expired,
    given,
    landing,
    quote,
    quoted,
    routed,
    sent,
    submit,
    submitted,
)

BUILT = (*submitted(), routed(), built())
SENT = (*BUILT, sent())


def test_a_market_order_is_triggered_in_the_append_that_records_it():
    given().when(submit()).then(e.OrderSubmitted, e.OrderTriggered(reason="market"))


def test_an_order_is_submitted_once():
    given(*submitted()).when(submit()).then_refused("not_applicable")


def test_the_best_net_amount_out_wins_and_the_losers_are_recorded():
    quotes = (quote(100, "Meteora"), quote(300, "Orca"), quote(200, "Raydium"))
    [route] = given(*submitted()).when(quoted(*quotes)).then(e.OrderRouted)
    assert isinstance(route, e.OrderRouted)
    assert route.chosen.venue == "Orca"
    assert route.quotes == quotes
    assert (route.expected_out, route.minimum_out) == (300, 299)  # 298.5 rounded up: the tolerance is a maximum


def test_a_later_route_never_accepts_less_than_the_first_minimum():
    history = (*submitted(), routed(minimum=222_880_000), e.BuildRejected(code="program_error", detail=""))
    [route] = given(*history).when(quoted(quote(223_000_000))).then(e.OrderRouted)
    assert isinstance(route, e.OrderRouted)
    assert route.minimum_out == 222_880_000


def test_a_quote_below_the_first_minimum_leaves_no_event_until_the_deadline_fails_the_order():
    history = (*submitted(), routed(minimum=222_880_000), e.BuildRejected(code="program_error", detail=""))
    low = quote(222_000_000)
    given(*history).when(quoted(low)).then()
    [failed] = given(*history).when(quoted(low, now=LATE)).then(e.OrderFailed)
    assert isinstance(failed, e.OrderFailed)
    assert (failed.code, failed.retryable, failed.quotes) == ("slippage_exceeded", True, (low,))


@pytest.mark.parametrize("code", sorted(MISQUOTED))
def test_where_the_first_quote_was_no_true_one_its_minimum_counts_from_5_percent_less(code: str):
    misquoted, otherwise = e.BuildRejected(code=code, detail=""), e.BuildRejected(code="program_error", detail="")
    history = (*submitted(), routed(minimum=200_000_000), otherwise, routed(minimum=200_000_000), misquoted)
    for offered, minimum in ((191_000_000, 190_045_000), (190_100_000, 190_000_000)):
        [route] = given(*history).when(quoted(quote(offered))).then(e.OrderRouted)
        assert isinstance(route, e.OrderRouted)
        assert route.minimum_out == minimum
    given(*history).when(quoted(quote(189_999_999))).then()
    # Nobody walks it down: it is so once, and of what was signed, with the first minimum, none is left.
    given(*history, routed(minimum=190_000_000), misquoted).when(quoted(quote(189_999_999))).then()
    signed = (*submitted(), routed(minimum=200_000_000), built(), expired(), misquoted)
    given(*signed).when(quoted(quote(199_999_999))).then()
    # What a limit binds has no need of it.
    limited = fold((*submitted(type="limit", limit_price=Decimal(140)), routed(), misquoted))
    assert limited and not limited.misquoted


LESS = c.RejectBuild(
    code="slippage_exceeded", detail="", logs=(), now=NOW, simulated=True, others=(quote(200_000_000, "Orca"),)
)
"""A swap that gave less than its quote, which stood beside another of 200."""


def test_where_a_venues_swaps_gave_less_than_its_quotes_twice_the_minimum_counts_from_the_first_quote_of_others():
    over = (*submitted(), routed(minimum=204_970_000, chosen=quote(206_000_000, "Jupiter")))
    # Once the price may have moved.
    [first] = given(*over).when(LESS).then(e.BuildRejected(code="slippage_exceeded", detail=""))
    given(*over, first).when(quoted(quote(200_000_000))).then()
    again = (*over, first, over[-1])
    [second] = given(*again).when(LESS).then(e.BuildRejected)
    assert isinstance(second, e.BuildRejected)
    assert second.minimum_out == 199_000_000
    [route] = given(*again, second).when(quoted(quote(200_000_000))).then(e.OrderRouted)
    assert isinstance(route, e.OrderRouted)
    assert route.minimum_out == 199_000_000
    # Where the price has truly moved since, nothing lets the order follow it.
    given(*again, second).when(quoted(quote(198_999_999))).then()
    unchanged = e.BuildRejected(code="slippage_exceeded", detail="")
    given(*again, second, over[-1]).when(replace(LESS, others=(quote(190_000_000, "Orca"),))).then(unchanged)


def test_bounds_that_count_from_others_are_no_wider_than_a_quote_may_stand_out_and_never_after_a_signature():
    over = (*submitted(), routed(minimum=204_970_000, chosen=quote(206_000_000, "Jupiter")))
    first = e.BuildRejected(code="slippage_exceeded", detail="")
    far = replace(LESS, others=(quote(150_000_000, "Orca"),))
    [second] = given(*over, first, over[-1]).when(far).then(e.BuildRejected)
    assert isinstance(second, e.BuildRejected)
    assert second.minimum_out == 194_721_500
    for history in (
        (*over, built(), expired(), over[-1], first, over[-1]),
        (*submitted(type="limit", limit_price=Decimal(100)), over[-1], first, over[-1]),
    ):
        given(*history).when(LESS).then(first)
    # Others that offer as much can fill it as it is; and where nobody else quoted there is nothing to count from.
    for others in ((quote(206_000_000, "Orca"),), ()):
        given(*over, first, over[-1]).when(replace(LESS, others=others)).then(first)


@pytest.mark.parametrize(
    ("quoted_out", "simulated"),
    [
        (206_000_000, True),  # the order has no slippage at all
        (206_500_000, True),  # a little above the first minimum, which stands
        (208_000_000, False),  # the venue says itself that it gives less now
    ],
)
def test_a_swap_that_fails_by_a_step_of_the_price_or_of_which_its_venue_says_it_is_no_word_against_its_quote(
    quoted_out: int, simulated: bool
):
    first = e.BuildRejected(code="slippage_exceeded", detail="")
    narrow = routed(minimum=206_000_000, chosen=quote(quoted_out, "Jupiter"))
    far = replace(LESS, simulated=simulated, others=(quote(198_000_000, "Orca"),))
    given(*submitted(), narrow, first, narrow).when(far).then(first)
    # So the others don't fill it 4 % below what was quoted for it.
    given(*submitted(), narrow, first, narrow, first).when(quoted(quote(198_000_000, "Orca"))).then()


def test_a_pair_no_venue_holds_fails_at_once():
    refused = c.RecordQuotes(quotes=(), refusals=(Refusal(venue="Orca", code="no_venue", detail=""),), now=NOW)
    [failed] = given(*submitted()).when(refused).then(e.OrderFailed)
    assert isinstance(failed, e.OrderFailed)
    assert (failed.code, failed.retryable) == ("no_venue", False)


def test_a_venue_that_is_away_keeps_the_order_alive():
    refusals = tuple(Refusal(venue=v, code=k, detail="") for v, k in (("a", "no_venue"), ("b", "venue_unavailable")))
    given(*submitted()).when(c.RecordQuotes(quotes=(), refusals=refusals, now=NOW)).then()


@pytest.mark.parametrize(
    ("rejected", "said", "code"),
    [
        ("proposal_refused", "venue_unavailable", "proposal_refused"),
        ("venue_answer_invalid", "venue_unavailable", "venue_answer_invalid"),
        ("proposal_refused", "no_liquidity", "no_liquidity"),
        ("slippage_exceeded", "venue_unavailable", "venue_unavailable"),
    ],
)
def test_a_venue_that_is_left_alone_for_what_it_proposed_is_not_one_that_did_not_answer(rejected, said, code):
    refused = c.RecordQuotes(quotes=(), refusals=(Refusal(venue="Jupiter", code=said, detail=""),), now=LATE)
    history = (*submitted(), routed(), e.BuildRejected(code=rejected, detail=""))
    [failed] = given(*history).when(refused).then(e.OrderFailed)
    assert isinstance(failed, e.OrderFailed)
    assert (failed.code, failed.retryable) == (code, True)


def test_silence_of_every_venue_is_no_proof_that_none_holds_the_pair():
    given(*submitted()).when(quoted()).then()


def test_quotes_that_come_late_do_not_apply():
    given(*submitted(), routed()).when(quoted(quote())).then_refused("not_applicable")


def test_a_failed_simulation_leads_back_to_routing():
    command = c.RejectBuild(code="slippage_exceeded", detail="custom 6006", logs=(), now=NOW)
    given(*submitted(), routed()).when(command).then(e.BuildRejected)


def test_insufficient_funds_end_the_order_in_the_same_request():
    command = c.RejectBuild(code="insufficient_funds", detail="custom 1", logs=(), now=NOW)
    [_, failed] = given(*submitted(), routed()).when(command).then(e.BuildRejected, e.OrderFailed)
    assert isinstance(failed, e.OrderFailed)
    assert failed.retryable is False


def test_a_transaction_that_accepts_less_than_the_route_is_refused():
    given(*submitted(), routed()).when(build(minimum=1)).then_refused("minimum_too_low")


def test_no_attempt_begins_after_the_deadline():
    given(*submitted(), routed()).when(build(now=LATE)).then(e.OrderFailed)


@pytest.mark.parametrize("history", [BUILT, SENT], ids=["built", "submitted"])
@pytest.mark.parametrize(
    "command",
    [
        build(2),
        quoted(quote(), now=LATE),
        c.RejectBuild(code="insufficient_funds", detail="", logs=(), now=LATE),
        c.GiveUp(code="chain_unavailable", detail="", now=LATE),
    ],
    ids=lambda command: type(command).__name__,
)
def test_while_an_attempt_is_live_the_order_neither_fails_nor_gets_a_second_transaction(history, command):
    given(*history).when(command).then_refused("not_applicable")


def test_the_first_send_is_recorded_once_whatever_it_answered():
    given(*BUILT).when(c.RecordSent(1, "signature-1", "timeout")).then(e.TransactionSubmitted)
    given(*SENT).when(c.RecordSent(1, "signature-1", "accepted")).then_refused("not_applicable")


def test_a_landing_learned_before_the_send_was_recorded_tells_both_in_order():
    given(*BUILT).when(landing()).then(e.TransactionSubmitted, e.OrderConfirmed)


def test_a_confirmation_carries_what_the_balances_show():
    [confirmed] = given(*SENT).when(landing()).then(e.OrderConfirmed)
    assert isinstance(confirmed, e.OrderConfirmed)
    assert confirmed.executed_price == Decimal("149.333333333333333")
    assert (confirmed.venue, confirmed.venue_fee, confirmed.network_fee_lamports) == ("Raydium", 3_750_000, 5000)


def test_a_landing_is_recorded_once():
    confirmed = given(*SENT).when(landing()).then(e.OrderConfirmed)
    given(*SENT, *confirmed).when(landing()).then_refused("not_applicable")


def test_an_error_ends_an_attempt_only_once_finalized():
    given(*SENT).when(landing(error="slippage_exceeded")).then_refused("not_applicable")
    given(*SENT).when(landing(commitment="finalized", error="slippage_exceeded")).then(e.AttemptRejected)


def test_a_rejected_attempt_after_the_deadline_ends_the_order_in_the_same_request():
    late = replace(landing(commitment="finalized", error="slippage_exceeded"), now=LATE)
    given(*SENT).when(late).then(e.AttemptRejected, e.OrderFailed)


def test_the_fee_of_a_rejected_attempt_is_part_of_what_the_order_cost():
    rejected = given(*SENT).when(landing(commitment="finalized", error="program_error")).then(e.AttemptRejected)
    [confirmed] = given(*SENT, *rejected, routed(), built(2), sent(2)).when(landing(2)).then(e.OrderConfirmed)
    assert isinstance(confirmed, e.OrderConfirmed)
    assert confirmed.network_fee_lamports == 10_000


def test_expiry_needs_its_whole_proof():
    given(*SENT).when(c.RecordExpiry(1, evidence(), NOW)).then(e.AttemptExpired)


@pytest.mark.parametrize(
    "flaw",
    [
        {"genesis_hash": "another"},
        {"finalized_height": 250},
        {"status_slot": 299},
        {"guard_slot": 299},
    ],
    ids=lambda flaw: next(iter(flaw)),
)
def test_evidence_with_a_gap_proves_nothing(flaw):
    given(*SENT).when(c.RecordExpiry(1, evidence(**flaw), NOW)).then_refused("evidence_incomplete")


def test_after_expiry_a_second_attempt_may_be_built():
    given(*SENT, expired(), routed()).when(build(2)).then(e.TransactionBuilt)


def test_a_live_order_accepts_the_confirmation_of_any_of_its_attempts():
    history = (*SENT, expired(), routed(), built(2))
    [confirmed] = given(*history).when(landing(1)).then(e.OrderConfirmed)
    assert isinstance(confirmed, e.OrderConfirmed)
    assert confirmed.attempt == 1


def test_a_second_success_contradicts_the_log():
    history = (*SENT, expired(), routed(), built(2))
    first = given(*history).when(landing(1)).then(e.OrderConfirmed)
    given(*history, *first).when(landing(2)).then_refused("landed_after_end")


def test_giving_up_waits_for_the_deadline():
    given(*submitted()).when(c.GiveUp("chain_unavailable", "", NOW)).then()
    given(*submitted()).when(c.GiveUp("chain_unavailable", "", LATE)).then(e.OrderFailed)


def test_an_unknown_order_is_said_to_be_unknown():
    given().when(quoted(quote())).then_refused("order_not_found")


def test_an_order_without_a_live_attempt_is_given_up_for_good():
    [failed] = given(*submitted(), routed(), built(), expired()).when(c.DiscardOrder()).then(e.OrderFailed)
    assert (failed.code, failed.retryable) == ("discarded", False)


def test_an_order_whose_attempt_may_land_is_never_given_up():
    given(*submitted(), routed(), built()).when(c.DiscardOrder()).then_refused("live_attempt")
    given(*submitted(), routed(), built(), sent()).when(c.DiscardOrder()).then_refused("live_attempt")


def test_an_order_that_has_ended_is_not_given_up():
    confirmed = (*submitted(), routed(), built(), *decide(fold((*submitted(), routed(), built())), landing()))
    given(*confirmed).when(c.DiscardOrder()).then_refused("not_applicable")


def test_every_code_has_a_meaning():
    assert set(MEANINGS) == set(Code)


def test_signed_bytes_are_never_public():
    assert "transaction" not in built().public()
    assert built().transaction not in str(built().public())


def test_a_status_is_a_function_of_the_event_alone():
    history = (*SENT, expired(), routed(), built(2), sent(2))
    assert [fold(history[:n]).status for n in range(1, len(history) + 1)] == [event.status for event in history]
    assert [event.status for event in history[:6]] == [
        "pending",
        "routing",
        "building",
        "building",
        "submitted",
        "routing",
    ]
