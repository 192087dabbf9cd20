"""Trailing stops in memory: exact to the last observation, recorded now and then."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from domain.events import Observation
from domain.tokens import SOL, USDC, pair_of
from workers.watcher.book import Book
from workers.watcher.trails import MOST_AT_ONCE, RECORD_EVERY_S
from workers.watcher.waiting_order import WaitingOrder

PAIR = pair_of(SOL, USDC)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def trailing(number: int, version: int = 1, best: str | None = None) -> WaitingOrder:
    recorded = None if best is None else Decimal(best)
    return WaitingOrder(
        UUID(int=number), number, version, PAIR, "sell", 10**9, None, trail_bps=100, best_touch=recorded
    )


def observed(book: Book, touch: str, now: float) -> tuple[list[int], list[int]]:
    """The orders that trigger, and those whose best touch is to be recorded."""

    def seen() -> Observation:
        return Observation(source="pools", pair=PAIR.symbol, slot=1, touch=Decimal(touch), observed_at=NOW)

    triggered, moved = book.trails.observe(PAIR.symbol, "sell", seen, Decimal(touch), now)
    return [order.order_id.int for order in triggered], [order.order_id.int for order in moved]


def test_a_best_touch_is_recorded_at_once_and_the_next_one_a_while_later():
    book = Book()
    book.put(trailing(1))
    assert observed(book, "150", 0.0) == ([], [1])
    book.put(trailing(1, version=2, best="150"))
    assert observed(book, "151", 0.1) == ([], [])
    assert observed(book, "150", 1.0) == ([], [])
    assert observed(book, "150", RECORD_EVERY_S) == ([], [1])
    best = book.trails.best_of(trailing(1))
    assert best is not None
    assert best.touch == 151


def test_a_best_touch_that_nobody_recorded_counts():
    book = Book()
    book.put(trailing(1, best="150"))
    observed(book, "200", 0.0)
    observed(book, "201", 0.1)
    assert observed(book, "198.99", 0.2) == ([1], [])
    book.put(trailing(1, version=2, best="200"))  # somebody changed the order, or an older best was recorded
    assert observed(book, "198.99", 0.3) == ([1], [])


def test_two_trailing_stops_on_a_price_that_jumps_and_returns_both_trigger_whenever_they_were_last_recorded():
    book = Book()
    book.put(trailing(1))
    assert observed(book, "150", 0.0) == ([], [1])
    book.put(trailing(2))
    assert observed(book, "150", 0.9) == ([], [2])
    assert observed(book, "160", 1.0) == ([], [])
    assert observed(book, "150", 1.1) == ([1, 2], [])


def test_an_order_that_is_triggered_and_held_has_its_best_touch_recorded_all_the_same():
    book = Book()
    book.put(trailing(1, best="150"))
    assert observed(book, "160", 0.0) == ([], [1])
    book.put(trailing(1, version=2, best="160"))
    assert observed(book, "161", 0.1) == ([], [])
    assert observed(book, "150", 0.2) == ([1], [])  # nothing came of it: it is held
    assert observed(book, "150", RECORD_EVERY_S) == ([1], [1])
    assert observed(book, "150", RECORD_EVERY_S + 0.1) == ([1], [])
    book.put(trailing(1, version=3, best="161"))
    assert observed(book, "150", 3 * RECORD_EVERY_S) == ([1], [])


def test_a_moving_price_floods_nothing_however_many_orders_follow_it():
    book = Book()
    for number in range(100):
        book.put(trailing(number))
    asked: dict[int, int] = {}
    for step in range(600):  # a minute, ten times a second
        _, moved = observed(book, str(100 + step), step / 10)
        assert len(moved) <= MOST_AT_ONCE
        for number in moved:
            asked[number] = asked.get(number, 0) + 1
    assert len(asked) == 100
    assert max(asked.values()) <= 60 / RECORD_EVERY_S
    assert min(asked.values()) > 40


def test_an_order_that_left_the_book_is_followed_no_more():
    book = Book()
    book.put(trailing(1))
    book.take(UUID(int=1))
    assert (observed(book, "150", 0.0), len(book), book.pairs) == (([], []), 0, [])
