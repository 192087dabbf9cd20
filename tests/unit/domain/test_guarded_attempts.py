"""An order's attempts share one guard, and the order ends only by what enough endpoints show."""

from dataclasses import replace

from domain import commands as c
from domain import events as e
from domain.evidence import ExpiryEvidence, GuardTaken, OperatorEvidence
from domain.evolve import fold
from domain.numbers import I64_MAX, U64_MAX
from domain.order import Order
from tests.unit.domain.scenario import (
    LATE,
    NOW,
    build,
    built,
    evidence,
    expired,
    given,
    landing,
    quoted,
    routed,
    sent,
    submitted,
)

SENT = (*submitted(), routed(), built(), sent())


def both(**changes: object) -> ExpiryEvidence:
    one = evidence(**changes).endpoints[0]
    return ExpiryEvidence(endpoints=(one, one.model_copy(update={"endpoint": "other"})), configured=2)


def rejected(configured: int, code: str = "program_error") -> e.AttemptRejected:
    """By one endpoint, of so many."""
    [event] = (
        given(*SENT).when(landing(commitment="finalized", error=code, configured=configured)).then(e.AttemptRejected)
    )
    assert isinstance(event, e.AttemptRejected)
    return event


def test_an_attempt_records_the_guard_that_it_makes():
    [event] = given(*submitted(), routed()).when(build()).then(e.TransactionBuilt)
    assert isinstance(event, e.TransactionBuilt)
    assert (event.guard, event.guard_rent_lamports, event.height) == ("guard", 2_039_280, 100)


def test_a_second_attempt_with_another_guard_is_refused():
    history = (*SENT, expired(), routed())
    given(*history).when(replace(build(2), guard="another")).then_refused("another_guard")


def test_an_attempt_may_land_for_150_blocks_after_its_signing_whatever_was_said_of_its_blockhash():
    understated = replace(build(), last_valid_block_height=120)
    history = given(*submitted(), routed()).when(understated).then(e.TransactionBuilt)
    signed = (*submitted(), routed(), *history, sent())
    given(*signed).when(c.RecordExpiry(1, evidence(finalized_height=250), NOW)).then_refused("evidence_incomplete")
    given(*signed).when(c.RecordExpiry(1, evidence(finalized_height=251), NOW)).then(e.AttemptExpired)


def test_one_endpoint_of_two_lets_the_order_go_on():
    history = given(*SENT).when(c.RecordExpiry(1, evidence(configured=2), NOW)).then(e.AttemptExpired)
    given(*SENT, *history, routed()).when(build(2)).then(e.TransactionBuilt)


def test_one_endpoint_of_two_never_ends_an_order():
    given(*SENT).when(c.RecordExpiry(1, evidence(configured=2), LATE)).then_refused("evidence_incomplete")
    alone = given(*SENT).when(c.RecordExpiry(1, evidence(configured=2), NOW)).then(e.AttemptExpired)
    given(*SENT, *alone).when(quoted(now=LATE)).then()
    given(*SENT, *alone).when(c.GiveUp("chain_unavailable", "", LATE)).then()
    given(*SENT, *alone).when(c.DiscardOrder()).then_refused("unproven_attempt")


def test_two_endpoints_end_it_though_one_alone_was_recorded_before():
    alone = given(*SENT).when(c.RecordExpiry(1, evidence(configured=2), NOW)).then(e.AttemptExpired)
    given(*SENT, *alone).when(c.RecordExpiry(1, both(), LATE)).then(e.AttemptExpired, e.OrderFailed)


def test_one_endpoints_rejection_never_ends_an_order():
    late = replace(landing(commitment="finalized", error="insufficient_funds", configured=2), now=LATE)
    given(*SENT).when(late).then(e.AttemptRejected)
    given(*SENT, rejected(2)).when(quoted(now=LATE)).then()
    given(*SENT, rejected(2)).when(c.RecordExpiry(1, both(), LATE)).then(e.AttemptExpired, e.OrderFailed)


def test_a_rejection_alone_never_ends_an_order_though_its_code_is_final():
    alone = replace(landing(commitment="finalized", error="insufficient_funds"), evidence=None)
    given(*SENT).when(alone).then(e.AttemptRejected)


def test_a_rejection_with_proof_that_no_transaction_succeeded_ends_an_order():
    late = replace(landing(commitment="finalized", error="insufficient_funds"), now=LATE)
    given(*SENT).when(late).then(e.AttemptRejected, e.OrderFailed)


def test_a_rejected_attempt_that_is_proven_later_stays_rejected_and_its_fee_counted():
    order = fold((*SENT, rejected(2), e.AttemptExpired(attempt=1, signature="signature-1", evidence=both())))
    assert order is not None
    assert [attempt.end for attempt in order.attempts] == ["rejected"]
    assert order.fees_lost_lamports == 5_000
    assert order.unproven_attempt is None


def test_a_guard_that_is_taken_puts_every_earlier_rejection_in_question():
    taken = e.BuildRejected(code="guard_taken", detail="")
    history = (*SENT, rejected(1), routed(), taken)
    order = fold(history)
    assert order is not None
    assert (order.rejections, order.unproven_attempt) == (1, order.attempts[0])
    given(*history).when(quoted(now=LATE)).then()
    given(*history).when(landing()).then(e.OrderConfirmed)


def test_a_guard_that_was_taken_on_chain_is_no_rejection_that_counts():
    second = (*SENT, rejected(1), routed(), built(2), sent(2))
    lost = replace(landing(2, "finalized", "guard_taken"), evidence=None)
    order = fold((*second, *given(*second).when(lost).then(e.AttemptRejected)))
    assert order is not None
    assert (order.rejections, order.fees_lost_lamports) == (1, 10_000)
    assert [attempt.proven for attempt in order.attempts] == [False, False]


def test_a_success_is_recorded_whatever_earlier_failures_are_said_to_have_cost():
    history: tuple[e.OrderEvent, ...] = (*submitted(), routed(), built(1), sent(1))
    for attempt in (1, 2, 3):
        failed = replace(landing(attempt, "finalized", "program_error", configured=2), evidence=None)
        lie = replace(failed, landing=failed.landing.model_copy(update={"fee_lamports": I64_MAX}))
        history = (*history, *given(*history).when(lie).then(e.AttemptRejected))
        history = (*history, routed(), built(attempt + 1), sent(attempt + 1))
    order = fold(history)
    assert order is not None
    assert order.fees_lost_lamports == U64_MAX
    assert Order.model_validate_json(order.model_dump_json()).model_dump() == order.model_dump()
    [confirmed] = given(*history).when(landing(4)).then(e.OrderConfirmed)
    assert isinstance(confirmed, e.OrderConfirmed)
    assert confirmed.network_fee_lamports == U64_MAX


def test_an_operators_word_counts_where_one_endpoint_alone_is_left():
    alone = given(*SENT).when(c.RecordExpiry(1, evidence(configured=2), NOW)).then(e.AttemptExpired)
    word = c.RecordExpiry(1, OperatorEvidence(because="the other endpoint is gone"), LATE)
    given(*SENT, *alone).when(word).then(e.AttemptExpired, e.OrderFailed)


def test_the_rent_in_the_guard_is_neither_price_nor_fee():
    [confirmed] = given(*SENT).when(landing()).then(e.OrderConfirmed)
    assert isinstance(confirmed, e.OrderConfirmed)
    assert (confirmed.guard_rent_lamports, confirmed.network_fee_lamports) == (2_039_280, 5_000)


def test_amounts_outside_of_what_was_signed_are_a_lie():
    less = landing()
    less = replace(less, landing=less.landing.model_copy(update={"amount_out": 222_879_999}))
    given(*SENT).when(less).then_refused("amounts_out_of_bounds")
    more = landing()
    more = replace(more, landing=more.landing.model_copy(update={"amount_in": 1_500_000_001}))
    given(*SENT).when(more).then_refused("amounts_out_of_bounds")


def test_a_loser_that_fails_after_the_orders_end_is_counted_and_changes_nothing_else():
    history = (*SENT, expired(), routed(), built(2), sent(2))
    confirmed = given(*history).when(landing(1)).then(e.OrderConfirmed)
    loser = given(*history, *confirmed).when(landing(2, "finalized", "guard_taken")).then(e.AttemptRejected)
    order = fold((*history, *confirmed, *loser))
    assert order is not None
    assert order.fill
    assert (order.status, order.fill.network_fee_lamports) == ("confirmed", 10_000)


def test_an_attempt_called_expired_that_failed_after_all_is_counted():
    history = (*SENT, expired())
    given(*history).when(landing(1, "finalized", "slippage_exceeded")).then(e.AttemptRejected)


def test_an_attempt_that_lost_ends_once_another_has_taken_the_guard_and_nothing_else_changes():
    history = (*SENT, expired(), routed(), built(2), sent(2))
    confirmed = given(*history).when(landing(1)).then(e.OrderConfirmed)
    won = GuardTaken(taken_by="signature-1", slot=120, shown_by=("127.0.0.1",))
    lost = given(*history, *confirmed).when(c.RecordExpiry(2, won, NOW)).then(e.AttemptExpired)
    order = fold((*history, *confirmed, *lost))
    assert order is not None
    assert (order.status, [attempt.end for attempt in order.attempts]) == ("confirmed", ["confirmed", "expired"])
    other = c.RecordExpiry(2, won.model_copy(update={"taken_by": "another"}), NOW)
    given(*history, *confirmed).when(other).then_refused("evidence_incomplete")
    given(*history).when(c.RecordExpiry(2, won, NOW)).then_refused("not_applicable")
    given(*history, *confirmed).when(c.RecordExpiry(1, won, NOW)).then_refused("not_applicable")
