"""Orders that name the amount they get: the maximum in is what the minimum out is to the others."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from domain import commands as c
from domain import events as e
from domain.evolve import fold
from domain.log_behind import ForeignTransactionFound
from domain.numbers import U64_MAX
from domain.order import Order
from domain.quotes import Quote, Refusal
from domain.routing import best
from domain.tokens import BONK, SOL, USDC
from domain.triggers import limit_maximum
from tests.unit.domain.scenario import NOW, build, built, given, landing, quote, quoted, sent, submit, submitted
from tests.unit.domain.test_triggers import saw, triggered

OUT = 150_000_000
"""150 USDC."""
EXACT: dict[str, Any] = {"amount_in": 0, "amount_out": OUT}
LIMIT: dict[str, Any] = {**EXACT, "type": "limit", "limit_price": Decimal(150), "deadline": None}


def asks(amount_in: int, venue: str = "Raydium") -> Quote:
    return quote(out=OUT, venue=venue, amount_in=amount_in)


def folded(*events: e.OrderEvent) -> Order:
    order = fold(events)
    assert order is not None
    return order


def built_for(maximum_in: int | None, **changes: Any) -> c.RecordBuilt:
    command = build(minimum=OUT)
    values = {name: getattr(command, name) for name in command.__slots__}
    return c.RecordBuilt(**{**values, "maximum_in": maximum_in, **changes})


def routed_for(*amounts_in: int, **terms: Any) -> list[e.OrderEvent]:
    history = submitted(**{**EXACT, **terms})
    return given(*history).when(quoted(*(asks(amount) for amount in amounts_in))).then(e.OrderRouted)


@pytest.mark.parametrize("terms", [{"amount_in": 0}, {"amount_in": 1, "amount_out": 1}])
def test_an_order_names_one_of_its_amounts(terms: dict[str, Any]) -> None:
    given().when(submit(**terms)).then_refused("one_amount")


def test_the_least_in_is_the_best_and_slippage_is_added_to_it_rounded_down() -> None:
    [event] = routed_for(1_000_003_333, 1_000_003_334, 999_999_999)
    assert isinstance(event, e.OrderRouted)
    assert (event.chosen.amount_in, event.minimum_out, event.maximum_in) == (999_999_999, OUT, 1_004_999_998)
    assert (event.policy, event.expected_out) == ("least-in", OUT)
    assert best([asks(7, "Orca"), asks(7, "Meteora")]) == asks(7, "Meteora")


def test_events_and_states_of_other_orders_say_nothing_of_it() -> None:
    [event] = given(*submitted()).when(quoted(quote())).then(e.OrderRouted)
    order = folded(*submitted(), event, built())
    for one in (*submitted(), event, built(), order):
        written = one.model_dump_json(by_alias=True)
        assert "aximumIn" not in written and "aximum_in" not in written
    assert "amount_out" not in submitted()[0].model_dump() and "amount_in" in submitted()[0].model_dump()
    assert "amount_in" not in submitted(**EXACT)[0].model_dump()


def test_a_market_orders_maximum_counts_from_its_first_route() -> None:
    [event] = routed_for(1_000_000_000)
    rejected = e.BuildRejected(code="program_error", detail="")
    history = (*submitted(**EXACT), event, rejected)
    assert folded(*history).maximum_in == 1_005_000_000
    [again] = given(*history).when(quoted(asks(1_004_000_000))).then(e.OrderRouted)
    assert isinstance(again, e.OrderRouted) and again.maximum_in == 1_005_000_000
    given(*history).when(quoted(asks(1_005_000_001))).then()
    late = quoted(asks(1_005_000_001), now=NOW.replace(hour=1))
    [failed] = given(*history).when(late).then(e.OrderFailed)
    assert isinstance(failed, e.OrderFailed) and (failed.code, failed.retryable) == ("slippage_exceeded", True)


def test_a_limit_is_the_most_that_is_paid_and_a_quote_beyond_it_rests() -> None:
    history = (*submitted(**LIMIT), triggered("150"))
    given(*history).when(quoted(asks(1_000_000_001))).then(e.OrderRested)
    [event] = given(*history).when(quoted(asks(999_000_000))).then(e.OrderRouted)
    assert isinstance(event, e.OrderRouted) and event.maximum_in == 1_000_000_000
    assert folded(*history).maximum_in == 1_000_000_000


@for_all(st.integers(1, 10**15), st.decimals("0.000001", "1000000", places=6), st.sampled_from(["sell", "buy"]))
def test_the_limits_maximum_is_rounded_down_in_the_orders_favour(out: int, limit: Decimal, side: str) -> None:
    token_in, token_out = (SOL, USDC) if side == "sell" else (USDC, SOL)
    most = limit_maximum(side, out, token_in, token_out, limit)  # type: ignore[arg-type]

    def is_within(paid: int) -> bool:
        sold, bought = Fraction(paid, 10**token_in.decimals), Fraction(out, 10**token_out.decimals)
        return bought >= Fraction(limit) * sold if side == "sell" else sold <= Fraction(limit) * bought

    assert is_within(most) and not is_within(most + 1)


def test_what_is_signed_may_pay_the_routes_maximum_and_no_more() -> None:
    history = (*submitted(**EXACT), *routed_for(1_000_000_000))
    for maximum in (None, 0, 1_005_000_001):
        given(*history).when(built_for(maximum)).then_refused("maximum_too_high")
    given(*history).when(built_for(1_005_000_000, minimum_out=OUT - 1)).then_refused("minimum_too_low")
    [event] = given(*history).when(built_for(1_005_000_000)).then(e.TransactionBuilt)
    order = folded(*history, event)
    assert order.amount_of(order.attempts[0]) == 1_005_000_000


@pytest.mark.parametrize(
    ("paid", "got", "code"),
    [(1_001_000_000, OUT, None), (1_005_000_001, OUT, "amounts_out_of_bounds"), (1, OUT - 1, "amounts_out_of_bounds")],
)
def test_it_is_filled_with_what_the_chain_shows_within_its_bounds(paid: int, got: int, code: str | None) -> None:
    history = (*submitted(**EXACT), *routed_for(1_000_000_000))
    history = (*history, *given(*history).when(built_for(1_005_000_000)).then(e.TransactionBuilt), sent())
    command = landing(1)
    found = command.landing.model_copy(update={"amount_in": paid, "amount_out": got})
    landed = given(*history).when(c.RecordLanding(1, found, NOW))
    if code:
        landed.then_refused(code)
        return
    [confirmed] = landed.then(e.OrderConfirmed)
    assert isinstance(confirmed, e.OrderConfirmed)
    assert (confirmed.amount_in, confirmed.executed_price) == (paid, Decimal("149.85014985014985"))


@pytest.mark.parametrize(
    ("told", "fee"), [(2_000_001, 2_002_001), (2_000_000, None)], ids=["by the rate", "by another rule"]
)
def test_the_venues_fee_is_of_what_was_paid_where_its_rate_says_so_exactly(told: int, fee: int | None) -> None:
    offer = quote(out=OUT, amount_in=1_000_000_001, fee_amount=told, fee_bps=20)
    route = given(*submitted(**EXACT)).when(quoted(offer)).then(e.OrderRouted)
    history = (*submitted(**EXACT), *route)
    history = (*history, *given(*history).when(built_for(1_005_000_001)).then(e.TransactionBuilt), sent())
    for paid, of_that in ((1_001_000_001, fee), (1_000_000_001, told)):
        found = landing(1).landing.model_copy(update={"amount_in": paid, "amount_out": OUT})
        [confirmed] = given(*history).when(c.RecordLanding(1, found, NOW)).then(e.OrderConfirmed)
        assert isinstance(confirmed, e.OrderConfirmed)
        assert (confirmed.venue_fee, confirmed.venue_fee_token) == (of_that, None if of_that is None else SOL.mint)


def test_a_swap_that_joins_keeps_the_first_maximum() -> None:
    history = (*submitted(**EXACT), *routed_for(1_000_000_000))
    history = (*history, *given(*history).when(built_for(1_005_000_000)).then(e.TransactionBuilt), sent())
    command = c.ReplaceSwap(quoted(asks(1_004_000_000)), built_for(1_005_000_000, attempt=2, signature="signature-2"))
    given(*history).when(command).then(e.OrderRouted, e.TransactionBuilt)
    dearer = c.ReplaceSwap(quoted(asks(1_006_000_000)), built_for(1_005_000_000, attempt=2, signature="signature-2"))
    given(*history).when(dearer).then_refused("not_applicable")


def test_on_paper_it_pays_what_the_quote_asks() -> None:
    command = submit(**EXACT)
    on_paper = c.SubmitOrder(command.terms, command.deadline, command.network, paper=True)
    history = given().when(on_paper).then(e.OrderSubmitted, e.OrderTriggered)
    decided = given(*history).when(c.FillOnPaper(quoted(asks(999_000_000)))).then(e.OrderRouted, e.PaperFilled)
    filled = decided[1]
    assert isinstance(filled, e.PaperFilled) and (filled.amount_in, filled.amount_out) == (999_000_000, OUT)


def test_where_no_venue_can_it_fails_for_good() -> None:
    cannot = Refusal(venue="Jupiter", code="exact_out_unsupported", detail="")
    unknown = Refusal(venue="Orca", code="no_venue", detail="")
    busy = Refusal(venue="Raydium", code="venue_unavailable", detail="")
    history = submitted(**EXACT)
    [failed] = given(*history).when(c.RecordQuotes((), (unknown, cannot), NOW)).then(e.OrderFailed)
    assert isinstance(failed, e.OrderFailed) and (failed.code, failed.retryable) == ("exact_out_unsupported", False)
    given(*history).when(c.RecordQuotes((), (cannot, busy), NOW)).then()


def test_it_is_amended_by_its_amount_out_and_keeps_its_place_where_that_falls() -> None:
    waiting = submitted(**LIMIT)
    for amount, keeps in ((OUT - 1, True), (OUT + 1, False)):
        [amended] = given(*waiting).when(c.AmendOrder(NOW, amount_out=amount)).then(e.OrderAmended)
        assert amended == e.OrderAmended(amount_out=amount, keeps_place=keeps)
        assert folded(*waiting, amended).minimum_out == amount
    given(*waiting).when(c.AmendOrder(NOW, amount_in=1)).then_refused("amount_not_allowed")
    given(*submitted(type="limit", limit_price=Decimal(1))).when(c.AmendOrder(NOW, amount_out=1)).then_refused(
        "amount_not_allowed"
    )
    for limit in ("1e29", "1e-20"):
        given(*waiting).when(c.AmendOrder(NOW, limit_price=Decimal(limit))).then_refused("limit_out_of_reach")


def test_a_price_triggers_it_as_any_other() -> None:
    given(*submitted(**LIMIT)).when(saw("149.9")).then()
    given(*submitted(**LIMIT)).when(saw("150")).then(e.OrderTriggered)


@pytest.mark.parametrize(
    ("paid", "received", "status"),
    [(990_000_000, OUT, "confirmed"), (1_000_000_001, OUT, "failed"), (990_000_000, OUT + 1, "failed")],
)
def test_executed_elsewhere_it_is_confirmed_within_its_terms_alone(paid: int, received: int, status: str) -> None:
    found = ForeignTransactionFound(
        order_id="00000000-0000-0000-0000-000000000001",  # type: ignore[arg-type]
        attempt=1,
        purpose="swap",
        signature="elsewhere",
        slot=1,
        wallet="wallet",
        genesis_hash="genesis",
        failed=False,
        paid={SOL.mint: paid},
        received={USDC.mint: received},
        fee_lamports=5_000,
        guard="guard",
        guard_rent_lamports=1,
    )
    wanted = e.OrderConfirmed if status == "confirmed" else e.OrderFailed
    given(*submitted(**LIMIT)).when(c.RecordElsewhere(found)).then(wanted)


def test_the_same_amount_out_is_the_same_order_and_another_is_not() -> None:
    one, same = submit(**LIMIT).terms, submit(**LIMIT).terms
    other = submit(**{**LIMIT, "amount_out": OUT + 1}).terms
    assert one.same_as(same) and not one.same_as(other)
    assert not submit(token_out=BONK, **EXACT).terms.same_as(submit(token_out=BONK, amount_in=OUT).terms)


def test_a_slippage_never_asks_for_more_than_the_chain_can_count() -> None:
    [event] = routed_for(U64_MAX - 1)
    assert isinstance(event, e.OrderRouted) and event.maximum_in == U64_MAX


def test_what_an_earlier_version_took_beyond_what_the_chain_counts_pays_no_more_than_that() -> None:
    order = folded(*submitted(**{**LIMIT, "limit_price": Decimal("1e-20")}))
    assert order.maximum_in == 2**64 - 1
