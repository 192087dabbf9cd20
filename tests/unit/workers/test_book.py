"""The book: what a tick meets, in the order of fairness, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.order import fold
from domain.tokens import SOL, USDC, pair_of
from tests.unit.domain.scenario import submitted
from tests.unit.domain.test_triggers import BUY, BUY_STOP, SELL, SELL_STOP, rested, saw, triggered
from venues.prices import Depth, PairPrice
from workers.watcher.book import Book
from workers.watcher.jumps import JumpGuard
from workers.watcher.resting import Resting, resting

PAIR = pair_of(SOL, USDC)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
DEEP = (Depth("Orca", 0, 10**15, 150 * 10**12),)


def at(price: str, depths: tuple[Depth, ...] = DEEP) -> PairPrice:
    return PairPrice(PAIR, Decimal(price), Decimal(price), depths)


def waiting(number: int, level: str, **changes: object) -> Resting:
    one = Resting(UUID(int=number), number, 1, PAIR, "sell", Decimal(level), "at_or_above", 10**9)
    return replace(one, **changes)  # type: ignore[arg-type]


def met(book: Book, price: PairPrice, **options: bool) -> list[int]:
    return [order.order_id.int for order, _ in book.met(price, **options)]


def filled(*orders: Resting) -> Book:
    book = Book()
    for order in orders:
        book.put(order)
    return book


def test_the_better_price_goes_first_then_the_older():
    book = filled(waiting(4, "150"), waiting(2, "151"), waiting(1, "151"), waiting(3, "149"), waiting(5, "153"))
    assert met(book, at("152")) == [3, 4, 1, 2]


def test_buys_fire_from_the_highest_limit_down():
    buys = {"side": "buy", "reached": "at_or_below"}
    book = filled(waiting(1, "150", **buys), waiting(2, "152", **buys), waiting(3, "149", **buys))
    assert met(book, at("150")) == [2, 1]


def test_an_order_that_was_taken_is_not_met():
    book = filled(waiting(1, "150"), waiting(2, "150"))
    book.take(UUID(int=1))
    assert met(book, at("150")) == [2]
    assert len(book) == 1


def test_an_order_put_twice_is_there_once_as_last_known():
    book = filled(waiting(1, "150"), waiting(1, "160"))
    assert (met(book, at("155")), met(book, at("160"))) == ([], [1])


def test_pairs_nobody_waits_on_are_not_observed():
    book = filled(waiting(1, "150"))
    assert book.pairs == [PAIR]
    book.take(UUID(int=1))
    assert book.pairs == []


def test_an_order_armed_later_waits_for_its_time():
    book = filled(waiting(1, "150", armed_at=NOW + timedelta(seconds=30)))
    book.wake(NOW)
    assert met(book, at("160")) == []
    book.wake(NOW + timedelta(seconds=30))
    assert met(book, at("160")) == [1]


def test_a_rested_order_is_met_by_its_size_only_where_reserves_moved():
    book = filled(waiting(1, "151", minimum_out=149_000_000))
    assert met(book, at("150")) == [1]
    assert met(book, at("150"), moved=False) == []
    assert met(filled(waiting(1, "151", minimum_out=151_000_000)), at("150")) == []


def test_an_order_stands_where_its_state_says():
    def place(*events):
        return resting(UUID(int=1), 1, len(events), fold(events))

    sell, buy = place(*submitted(**SELL)), place(*submitted(**BUY))
    assert sell and buy
    assert (sell.side, sell.level, sell.reached) == ("sell", 150, "at_or_above")
    assert (buy.side, buy.level, buy.reached) == ("buy", 150, "at_or_below")
    stop, other = place(*submitted(**SELL_STOP)), place(*submitted(**BUY_STOP))
    assert stop and other
    assert (stop.level, stop.reached, other.level, other.reached) == (140, "at_or_below", 160, "at_or_above")
    again = place(*submitted(**SELL), triggered(), rested("151"))
    assert again
    assert (again.level, again.minimum_out) == (Decimal("151.0151"), 225_000_000)
    later = place(*submitted(**SELL), triggered(), rested("151", armed_after=30))
    assert later
    assert (later.level, later.armed_at) == (150, NOW + timedelta(seconds=30))
    assert place(*submitted(**SELL), triggered()) is None
    assert place(*submitted()) is None
    assert saw("1").observation.slot == 9


def test_a_price_that_jumps_for_one_tick_is_not_believed():
    guard = JumpGuard()
    assert guard.believes(at("150"))
    assert not guard.believes(at("150000"))
    assert guard.believes(at("151"))
    assert not guard.believes(at("400"))
    assert guard.believes(at("401"))


@given(st.lists(st.tuples(st.integers(1, 50), st.booleans(), st.booleans()), max_size=60), st.integers(1, 50))
def test_the_book_meets_exactly_what_a_look_at_every_order_would(rows, touch):
    orders = [
        waiting(n, str(level), side="sell" if sell else "buy", reached="at_or_above" if above else "at_or_below")
        for n, (level, sell, above) in enumerate(rows, 1)
    ]
    price = at(str(touch))
    assert sorted(met(filled(*orders), price)) == [o.order_id.int for o in orders if o.is_reached(Decimal(touch))]
