"""The book: what a tick meets, in the order of fairness, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from commands.loaded_order import LoadedOrder
from domain.evolve import fold
from domain.tokens import SOL, USDC, pair_of
from tests.unit.domain.scenario import submitted
from tests.unit.domain.test_triggers import BUY, BUY_STOP, SELL, SELL_STOP, rested, triggered
from venues.prices import Depth, PairPrice
from workers.watcher.book import Book
from workers.watcher.book_feed import BookFeed
from workers.watcher.price_jump_filter import PriceJumpFilter
from workers.watcher.waiting_order import WaitingOrder, waiting_order_of

PAIR = pair_of(SOL, USDC)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
DEEP = (Depth("Orca", 0, 10**15, 150 * 10**12),)


def at(price: str, depths: tuple[Depth, ...] = DEEP) -> PairPrice:
    return PairPrice(PAIR, Decimal(price), Decimal(price), depths)


def waiting(number: int, level: str, **changes: object) -> WaitingOrder:
    order = WaitingOrder(UUID(int=number), number, 1, PAIR, "sell", 10**9, Decimal(level))
    return replace(order, **changes)  # type: ignore[arg-type]


def triggered_by(book: Book, price: PairPrice) -> list[int]:
    return [order.order_id.int for order, _ in book.triggered_by(price)]


def filled(*orders: WaitingOrder) -> Book:
    book = Book()
    for order in orders:
        book.put(order)
    return book


def test_the_better_price_goes_first_then_the_older():
    book = filled(waiting(4, "150"), waiting(2, "151"), waiting(1, "151"), waiting(3, "149"), waiting(5, "153"))
    assert triggered_by(book, at("152")) == [3, 4, 1, 2]


def test_buys_fire_from_the_highest_limit_down():
    book = filled(*(waiting(n, level, side="buy") for n, level in ((1, "150"), (2, "152"), (3, "149"))))
    assert triggered_by(book, at("150")) == [2, 1]


def test_what_becomes_executable_goes_by_its_limit_then_what_only_latches_by_its_stop():
    def stop(number: int, at: str, limit: str) -> WaitingOrder:
        return waiting(number, limit, stop=Decimal(at))

    latch = (stop(1, "146", "150"), stop(2, "147", "149"))
    execute = (stop(3, "145", "143"), stop(4, "146", "142"), waiting(5, "142.5"))
    assert triggered_by(filled(*latch, *execute), at("144")) == [4, 5, 3, 2, 1]


def test_an_order_that_rests_again_keeps_the_place_its_limit_gives_it():
    rests = waiting(2, "150", armed_by=Decimal("154"), minimum_out=1)
    assert triggered_by(filled(waiting(1, "152"), rests), at("155")) == [2, 1]
    assert triggered_by(filled(waiting(1, "152"), rests), at("153")) == [2, 1]


def test_an_order_that_was_taken_is_not_met():
    book = filled(waiting(1, "150"), waiting(2, "150"))
    book.take(UUID(int=1))
    assert triggered_by(book, at("150")) == [2]
    assert len(book) == 1


def test_an_order_put_twice_is_there_once_as_last_known():
    book = filled(waiting(1, "150"), waiting(1, "160", version=2), waiting(1, "150"))
    assert (triggered_by(book, at("155")), triggered_by(book, at("160"))) == ([], [1])


def test_pairs_nobody_waits_on_are_not_observed():
    book = filled(waiting(1, "150"))
    assert book.pairs == [PAIR]
    book.take(UUID(int=1))
    assert book.pairs == []


def test_an_order_armed_later_waits_for_its_time():
    book = filled(waiting(1, "150", armed_at=NOW + timedelta(seconds=30)))
    book.rearm_due(NOW)
    assert triggered_by(book, at("160")) == []
    book.rearm_due(NOW + timedelta(seconds=30))
    assert triggered_by(book, at("160")) == [1]


def test_a_rest_that_ends_later_than_any_could_is_over_since_the_clock_stepped_back():
    hour = timedelta(hours=1)
    book = filled(waiting(1, "150", armed_at=NOW + timedelta(seconds=30)))
    book.rearm_due(NOW)
    assert triggered_by(book, at("160")) == []
    book.rearm_due(NOW - hour)
    assert triggered_by(book, at("160")) == [1]
    # Whoever starts only then finds the same in the log.
    book = filled(waiting(1, "150", armed_at=NOW + timedelta(seconds=30)), waiting(2, "150", armed_at=NOW - hour))
    book.rearm_due(NOW - hour - timedelta(seconds=1))
    assert triggered_by(book, at("160")) == [1]
    book.rearm_due(NOW - hour)
    assert triggered_by(book, at("160")) == [1, 2]


def test_an_order_that_comes_back_as_it_was_wakes_once():
    later = waiting(1, "150", armed_at=NOW + timedelta(seconds=30))
    book = filled(later, later)
    book.take(UUID(int=1))
    book.put(later)
    book.rearm_due(NOW + timedelta(seconds=30))
    assert triggered_by(book, at("160")) == [1]
    book.take(UUID(int=1))
    assert triggered_by(book, at("160")) == []


def rests_at_151(number: int, minimum_out: int) -> WaitingOrder:
    return waiting(number, "150", armed_by=Decimal("151.0151"), minimum_out=minimum_out)


def test_an_order_that_rests_again_is_met_by_its_size_or_a_better_touch():
    book = filled(rests_at_151(1, 149_000_000), rests_at_151(2, 151_000_000))
    assert triggered_by(book, at("150")) == [1]
    assert triggered_by(book, at("149.99")) == []
    assert triggered_by(book, at("151.0151")) == [1, 2]


def test_a_quote_at_size_that_was_not_acted_on_is_met_again_at_a_still_price():
    book = filled(rests_at_151(1, 149_000_000))
    assert triggered_by(book, at("150")) == triggered_by(book, at("150")) == [1]


def test_an_order_that_comes_to_rest_after_the_reserves_moved_is_met_by_them():
    book = filled(rests_at_151(1, 151_000_000))
    assert triggered_by(book, at("150")) == []
    book.put(rests_at_151(2, 149_000_000))
    assert triggered_by(book, at("150")) == [2]


def test_a_quote_at_size_is_computed_once_for_the_same_reserves():
    asked = []

    class Counting(PairPrice):
        def out(self, side, amount_in):
            asked.append(side)
            return 0

    still = Counting(PAIR, Decimal(150), Decimal(150), DEEP)
    book = filled(rests_at_151(1, 149_000_000))
    assert [triggered_by(book, still) for _ in range(3)] == [[], [], []]
    assert len(asked) == 1
    triggered_by(book, replace(still, depths=(replace(DEEP[0], quote=DEEP[0].quote + 1),)))
    assert len(asked) == 2


def test_a_slow_read_that_a_newer_one_overtook_takes_no_order_out():
    # Keeping the book needs none of its connections.
    feed = BookFeed(cast(Any, None), cast(Any, None), cast(Any, None), Book())

    def loaded(*events):
        order = fold(events)
        return LoadedOrder(UUID(int=1), UUID(int=2), order, len(events), tuple(events), 1)

    first = (*submitted(**SELL), triggered())
    feed.place(loaded(*first, rested("151")))
    feed.place(loaded(*first))
    assert UUID(int=1) in feed.book
    feed.place(loaded(*first, rested("151"), triggered()))
    assert UUID(int=1) not in feed.book


def test_an_order_stands_where_its_state_says():
    def place(*events):
        return waiting_order_of(UUID(int=1), 1, len(events), fold(events))

    sell, buy = place(*submitted(**SELL)), place(*submitted(**BUY))
    assert sell and buy
    assert (sell.side, sell.level, sell.is_above) == ("sell", 150, True)
    assert (buy.side, buy.level, buy.is_above) == ("buy", 150, False)
    stop, other = place(*submitted(**SELL_STOP)), place(*submitted(**BUY_STOP))
    assert stop and other
    assert (stop.level, stop.is_above, other.level, other.is_above) == (140, False, 160, True)
    again = place(*submitted(**SELL), triggered(), rested("151"))
    assert again
    assert (again.level, again.armed_by, again.minimum_out) == (150, Decimal("151.0151"), 225_000_000)
    later = place(*submitted(**SELL), triggered(), rested("151", armed_after=30))
    assert later
    assert (later.level, later.armed_at) == (150, NOW + timedelta(seconds=30))
    assert place(*submitted(**SELL), triggered()) is None
    assert place(*submitted()) is None


def test_a_price_that_jumps_for_one_tick_is_not_believed():
    guard = PriceJumpFilter()
    guard.accepts(at("150"), 1)
    assert guard.accepts(at("150"), 2)
    assert not guard.accepts(at("150000"), 3)
    assert guard.accepts(at("151"), 4)
    assert not guard.accepts(at("400"), 5)
    assert guard.accepts(at("401"), 6)


def test_a_tick_is_a_slot_however_often_it_is_looked_at():
    guard = PriceJumpFilter()
    guard.accepts(at("150"), 1)
    assert guard.accepts(at("150"), 2)
    assert [guard.accepts(at("150000"), 3) for _ in range(3)] == [False] * 3
    assert guard.accepts(at("149"), 4)


def test_the_first_price_after_a_start_is_believed_once_the_next_agrees():
    guard = PriceJumpFilter()
    assert not guard.accepts(at("0.15"), 1)
    assert not guard.accepts(at("150"), 2)
    assert guard.accepts(at("150"), 3)


def test_a_jump_of_what_buyers_pay_alone_is_one():
    guard = PriceJumpFilter()
    guard.accepts(at("150"), 1)
    assert guard.accepts(at("150"), 2)
    assert not guard.accepts(replace(at("150"), buy=Decimal("0.15")), 3)


ROWS = st.tuples(st.integers(1, 50), st.booleans(), st.none() | st.integers(1, 50), st.none() | st.integers(1, 50))


@given(st.lists(ROWS, max_size=60), st.integers(1, 50))
def test_the_book_meets_exactly_what_a_look_at_every_order_would(rows, touch):
    orders = [
        waiting(
            n,
            str(limit),
            side="sell" if sell else "buy",
            stop=None if stop is None else Decimal(stop),
            armed_by=Decimal(armed) if armed is not None and stop is None else None,
        )
        for n, (limit, sell, stop, armed) in enumerate(rows, 1)
    ]
    acting = [o for o in orders if o.is_reached(Decimal(touch)) and (o.stop or o.is_armed(Decimal(touch)))]
    found = triggered_by(filled(*orders), at(str(touch)))
    assert sorted(found) == [o.order_id.int for o in acting]
    by_side = {"sell": [], "buy": []}
    for order in acting:
        by_side[order.side].append((order.rank(Decimal(touch)), order.order_id.int))
    assert found == [number for side in ("sell", "buy") for _, number in sorted(by_side[side])]


def test_stops_without_a_limit_go_before_limits_by_their_stop():
    stops = [waiting(n, "1", limit=None, stop=Decimal(stop)) for n, stop in ((1, "149"), (2, "151"), (3, "140"))]
    book = filled(*stops, waiting(4, "145"), waiting(5, "139", stop=Decimal(152)), waiting(6, "160", stop=Decimal(150)))
    assert triggered_by(book, at("148")) == [2, 1, 5, 4, 6]
    buys = [waiting(n, "1", side="buy", limit=None, stop=Decimal(stop)) for n, stop in ((1, "149"), (2, "151"))]
    assert triggered_by(filled(*buys, waiting(3, "155", side="buy")), at("152")) == [1, 2, 3]
