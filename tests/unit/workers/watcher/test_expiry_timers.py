"""When the orders of a book expire, and what is left of those that left it before."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from tests.unit.workers.watcher.test_book import NOW, waiting
from workers.watcher.book import Book
from workers.watcher.expiry_timers import MOST_SPENT
from workers.watcher.waiting_order import WaitingOrder

SECOND = timedelta(seconds=1)
LATE = NOW + timedelta(days=30)
MANY = 5_000


def until(number: int, expires_at: datetime | None, version: int = 1) -> WaitingOrder:
    return waiting(number, "150", expires_at=expires_at, version=version)


def trailing(number: int, version: int) -> WaitingOrder:
    return waiting(number, "150", limit=None, trail_bps=500, expires_at=LATE, version=version)


def expired(book: Book, now: datetime) -> list[int]:
    return [order_id.int for order_id in book.expired(now)]


def test_each_is_due_at_its_time_and_again_a_second_later_until_it_leaves() -> None:
    book = Book()
    for number in (3, 1, 2):
        book.put(until(number, NOW + number * SECOND))
    book.put(until(4, None))
    assert expired(book, NOW) == []
    assert expired(book, NOW + 2 * SECOND) == [1, 2]
    assert expired(book, NOW + 2 * SECOND) == []
    book.take(UUID(int=1))
    assert expired(book, NOW + 3 * SECOND) == [2, 3]


def test_an_order_that_goes_and_comes_again_is_due_once() -> None:
    book = Book()
    for _ in range(3):
        book.put(until(1, NOW))
        book.take(UUID(int=1))
    book.put(until(1, NOW))
    assert expired(book, NOW) == [1]
    assert expired(book, NOW) == []


def test_an_order_with_another_time_is_due_at_that_alone() -> None:
    book = Book()
    book.put(until(1, NOW))
    book.put(until(1, LATE, version=2))
    assert expired(book, NOW) == []
    assert expired(book, LATE) == [1]
    book.put(until(1, None, version=3))
    assert expired(book, LATE + 2 * SECOND) == []


def test_orders_that_left_long_before_they_expire_leave_no_timers() -> None:
    book = Book()
    for number in range(MANY):
        book.put(until(number, LATE))
        book.take(UUID(int=number))
    assert len(book._expiries) <= MOST_SPENT + 1
    for number in range(MANY):
        book.put(until(number, LATE))
    for number in range(MANY - 1):
        book.take(UUID(int=number))
    assert len(book._expiries) <= MOST_SPENT + 2
    assert expired(book, LATE) == [MANY - 1]


def test_a_trail_that_moves_leaves_no_timers() -> None:
    book = Book()
    for version in range(1, MANY):
        book.put(trailing(1, version))
    assert len(book._expiries) <= MOST_SPENT + 2
    assert expired(book, LATE) == [1]
