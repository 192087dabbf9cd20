"""What the market bench calls wrong: it has to find it when it is there."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from bench.market_verdict import History, judge
from bench.met import Sample
from chains.wallet_history import Movement
from chains.wallet_messages import Memo
from domain.decide import decide
from domain.evolve import fold
from domain.tokens import SOL, USDC, pair_of
from tests.unit.domain.scenario import NOW, built, landing, routed, sent, submitted
from tests.unit.domain.test_triggers import SELL, SELL_STOP, rested, triggered
from venues.prices import Depth, PairPrice

PAIR, ID = pair_of(SOL, USDC), UUID(int=1)


def at(second: float, price: str) -> Sample:
    depths = (Depth("Orca", 0, 10**15, int(Decimal(price) * 10**12)),)
    return Sample(
        NOW + timedelta(seconds=second), {PAIR.symbol: PairPrice(PAIR, Decimal(price), Decimal(price), depths)}
    )


def history(*events) -> History:
    return [(event, NOW + timedelta(seconds=n)) for n, event in enumerate(events)]


def wrong(told: History, samples=(), moved=()) -> list[str]:
    return judge({ID: told}, {ID: list(moved)}, samples, 5.0).wrong


def swap(paid: int, got: int) -> Movement:
    return Movement(
        1,
        failed=False,
        signed=True,
        memo=Memo(ID, 1),
        gained={SOL.mint: -paid, USDC.mint: got},
        fee_lamports=0,
        guard=None,
        guard_lamports=0,
    )


def test_an_order_that_is_met_at_size_for_five_seconds_and_waits_is_wrong():
    terms = submitted(**SELL)
    assert wrong(history(*terms), [at(s, "150.1") for s in range(7)])
    assert not wrong(history(*terms), [at(s, "149.9") for s in range(7)])
    assert not wrong(history(*terms), [at(s, "149" if s == 4 else "150.1") for s in range(8)])


def test_a_touch_that_meets_the_limit_is_not_enough_without_the_size():
    assert not wrong(history(*submitted(**SELL)), [at(s, "150") for s in range(7)])


def test_a_stop_that_is_reached_and_does_not_latch_is_wrong():
    assert wrong(history(*submitted(**SELL_STOP)), [at(s, "139.9") for s in range(7)])


def test_an_order_that_rests_for_a_time_is_not_held_against_what_it_missed():
    told = history(*submitted(**SELL), triggered(), rested(armed_after=60))
    assert not wrong(told, [at(s, "151") for s in range(2, 20)])
    assert wrong(told, [at(s, "151") for s in range(2, 80)])


def test_a_swap_of_an_order_that_waits_is_wrong():
    assert wrong(history(*submitted(**SELL)), moved=[swap(1_500_000_000, 225_000_000)])


def test_a_confirmed_order_is_held_against_what_its_transaction_moved():
    # 224 USDC for 1.5 SOL: at least 149 each, as the order wants, and not 150.
    def confirmed(limit: str) -> History:
        events = [*submitted(**{**SELL, "limit_price": Decimal(limit)}), triggered(), routed(), built(), sent()]
        return history(*events, *decide(fold(events), landing()))

    assert not wrong(confirmed("149"), moved=[swap(1_500_000_000, 224_000_000)])
    assert wrong(confirmed("150"), moved=[swap(1_500_000_000, 224_000_000)])
    assert wrong(confirmed("149"), moved=[swap(1_500_000_000, 224_000_001)])
    assert wrong(confirmed("149"), moved=[swap(1_500_000_000, 224_000_000)] * 2)
    assert wrong(confirmed("149"))


def test_a_trigger_that_the_limit_does_not_justify_is_wrong():
    assert wrong(history(*submitted(**SELL), triggered("149"), rested()))
