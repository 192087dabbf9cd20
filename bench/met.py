"""How long orders that waited were met at size, by reserves that somebody else than the watcher read."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from domain.events import OrderEvent
from domain.evolve import evolve
from domain.order import Order
from domain.tokens import Pair
from domain.triggers import limit_met, stop_met
from venues.prices import PairPrice, PriceSource

EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class Sample:
    """What the chain held, as read no later than ``at``."""

    at: datetime
    prices: dict[str, PairPrice]


@dataclass(frozen=True, slots=True)
class Wait:
    """A time in which an order could act on a price; ``end`` is None where it does so still."""

    order: Order
    begin: datetime
    end: datetime | None


async def sample(source: PriceSource, pairs: Sequence[Pair], samples: list[Sample]) -> None:
    """Add what the chain holds to ``samples``, until cancelled."""
    while True:
        prices = await source.observe(pairs)
        samples.append(Sample(datetime.now(UTC), prices.pairs))
        await asyncio.sleep(EVERY_S)


def waits(events: Sequence[tuple[OrderEvent, datetime]]) -> Iterator[Wait]:
    """Each time in which the order waited for a price and was armed, from its events and when each was recorded."""
    order: Order | None = None
    for n, (event, at) in enumerate(events):
        order = evolve(order, event)
        if not order.waits_for_price:
            continue
        armed_at = order.rest.armed_at if order.rest else None
        end = events[n + 1][1] if n + 1 < len(events) else None
        yield Wait(order, max(at, armed_at or at), end)


def met_for(wait: Wait, samples: Sequence[Sample]) -> tuple[float, float]:
    """Seconds that ``wait`` was met without a break: at the longest, and just before it ended."""
    longest = last = 0.0
    since: datetime | None = None
    symbol, is_met = wait.order.pair.symbol, _condition(wait.order)
    first = bisect_left(samples, wait.begin, key=lambda sample: sample.at)
    for sample in samples[first:]:
        if wait.end is not None and sample.at >= wait.end:
            break
        price = sample.prices.get(symbol)
        if price is None or not is_met(price):
            since, last = None, 0.0
            continue
        since = since or sample.at
        last = (sample.at - since).total_seconds()
        longest = max(longest, last)
    return longest, (wait.end - since).total_seconds() if wait.end and since else last


def _condition(order: Order) -> Callable[[PairPrice], bool]:
    """When the order should act: its stop is reached, or the pools give at least its minimum for its whole size."""
    side, stop, limit, minimum = order.side, order.stop_price, order.limit_price, order.minimum_out
    if stop is not None and not order.stop_reached:
        return lambda price: stop_met(side, price.touch(side), stop)
    if limit is None or minimum is None:
        raise ValueError("a market order waits for no price")
    return lambda price: limit_met(side, price.touch(side), limit) and price.out(side, order.amount_in) >= minimum
