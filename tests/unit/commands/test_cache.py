"""What a process remembers of orders, so that it reads of one only what is new."""

from __future__ import annotations

from uuid import UUID, uuid4

from commands.cache import OrderCache
from commands.loaded_order import LoadedOrder
from domain.events import OrderFailed
from domain.evolve import fold
from tests.unit.domain.scenario import built, expired, routed, sent, submitted

ACCOUNT = UUID(int=1)
OPEN = fold((*submitted(), routed()))
ENDED = fold((*submitted(), OrderFailed(code="no_venue", detail="None.", retryable=False)))

EXPIRED = fold((*submitted(), routed(), built(), sent(), expired()))


def history(order_id: UUID, version: int, order=OPEN) -> LoadedOrder:
    return LoadedOrder(order_id, ACCOUNT, order, version)


def test_the_newest_is_kept_whatever_comes_last() -> None:
    recent, order_id = OrderCache(2), uuid4()
    for version in (3, 5, 4):
        recent.keep(history(order_id, version))
    assert recent.of([order_id])[order_id].version == 5


def test_orders_that_ended_are_kept_apart_and_push_no_open_one_out() -> None:
    recent, first, second = OrderCache(2), uuid4(), uuid4()
    ended = [uuid4() for _ in range(3)]
    for order_id in (first, second, *ended):
        recent.keep(history(order_id, 3))
        if order_id in ended:
            recent.keep(history(order_id, 4, ENDED))
            recent.keep(history(first, 3))
            recent.keep(history(second, 3))
    assert set(recent.of([first, second, *ended])) == {first, second, *ended[1:]}
    assert recent.of(ended[1:])[ended[1]].version == 4


def test_an_order_with_an_expired_attempt_is_not_kept() -> None:
    recent, order_id = OrderCache(2), uuid4()
    recent.keep(history(order_id, 5))
    recent.keep(history(order_id, 6, EXPIRED))
    assert recent.of([order_id]) == {}


def test_the_least_lately_kept_makes_room() -> None:
    recent, (first, second, third) = OrderCache(2), (uuid4(), uuid4(), uuid4())
    for order_id in (first, second):
        recent.keep(history(order_id, 1))
    recent.keep(history(first, 2))
    recent.keep(history(third, 1))
    assert set(recent.of([first, second, third])) == {first, third}


def test_of_none_nothing_is_kept() -> None:
    recent, order_id = OrderCache(0), uuid4()
    recent.keep(history(order_id, 1))
    assert recent.of([order_id]) == {}
