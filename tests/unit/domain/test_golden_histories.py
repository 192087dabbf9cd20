"""Every version of the engine folds the histories that were once recorded to what they came to then.

When one of these fails, the fold of recorded money has changed. The files stay as they are: give the event's model a
new VERSION and an upcast from the form recorded here, or leave the old fold alone. What is new gets a history of its
own, by `python -m pytest tests/golden/record.py`, which never writes a file again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from domain import events as e
from domain.account import ACCOUNT_EVENTS
from domain.directory_events import DIRECTORY_EVENTS
from domain.evolve import fold
from domain.order import Order
from domain.trading_state import TradingStateSet
from event_store.mapper import EventMapper
from tests.golden.history import DIRECTORY, folded, read

MODELS = (*e.ORDER_EVENTS, *ACCOUNT_EVENTS, *DIRECTORY_EVENTS, TradingStateSet)
MAPPER = EventMapper(MODELS)
FILES = sorted(DIRECTORY.glob("*.json"))
STREAMS = [(path, number) for path in FILES for number in range(len(read(path)))]


def differences(recorded: Any, now: Any, where: str = "") -> Iterator[str]:
    """Where ``now`` isn't what was recorded. A field that later versions added is no difference: none was recorded."""
    if isinstance(recorded, dict) and isinstance(now, dict):
        for name, value in recorded.items():
            if name in now:
                yield from differences(value, now[name], f"{where}.{name}")
            else:
                yield f"{where}.{name} is gone; it was {value!r}"
    elif isinstance(recorded, list) and isinstance(now, list) and len(recorded) == len(now):
        for index, (old, new) in enumerate(zip(recorded, now, strict=True)):
            yield from differences(old, new, f"{where}[{index}]")
    elif recorded != now or type(recorded) is not type(now):
        yield f"{where} was {recorded!r} and is {now!r}"


@pytest.mark.parametrize(("path", "number"), STREAMS, ids=[f"{path.stem}-{number}" for path, number in STREAMS])
def test_a_recorded_history_folds_to_what_it_came_to(path: Path, number: int) -> None:
    recorded, expected = read(path)[number]
    assert list(differences(expected, folded(MAPPER, recorded))) == []


def orders() -> list[tuple[list[e.OrderEvent], Order]]:
    found = []
    for path in FILES:
        for recorded, _ in read(path):
            events = [MAPPER.load(one.topic, one.state) for one in recorded]
            story = [event for event in events if isinstance(event, e.OrderEvent)]
            if order := fold(story):
                found.append((story, order))
    return found


ORDERS = orders()


def told(story: list[e.OrderEvent], *types: type[e.OrderEvent]) -> bool:
    """Whether these events come in this order, others between them or not."""
    left = iter(story)
    return all(any(isinstance(event, wanted) for event in left) for wanted in types)


def rests(story: list[e.OrderEvent]) -> list[e.OrderRested]:
    return [event for event in story if isinstance(event, e.OrderRested)]


def failure(story: list[e.OrderEvent]) -> e.OrderFailed | None:
    return next((event for event in story if isinstance(event, e.OrderFailed)), None)


KINDS: dict[str, Callable[[list[e.OrderEvent], Order], bool]] = {
    "a market order that sells is confirmed": lambda s, o: (
        (o.type, o.side, o.status) == ("market", "sell", "confirmed")
    ),
    "a market order that buys is confirmed": lambda s, o: (o.type, o.side, o.status) == ("market", "buy", "confirmed"),
    "a market order fails by a final code": lambda s, o: bool(o.failure and not o.failure.retryable),
    "a market order fails by its deadline with its last quotes": lambda s, o: bool(
        (f := failure(s)) and f.retryable and f.quotes
    ),
    "a build is rejected": lambda s, o: told(s, e.BuildRejected),
    "an attempt is rejected on chain, the next confirmed": lambda s, o: told(s, e.AttemptRejected, e.OrderConfirmed),
    "an attempt is proven expired, the next confirmed": lambda s, o: (
        any(isinstance(event, e.AttemptExpired) and event.evidence.source == "chain" for event in s)
        and o.attempts[-1].end == "confirmed"
    ),
    "an operator calls an attempt expired": lambda s, o: any(
        isinstance(event, e.AttemptExpired) and event.evidence.source == "operator" for event in s
    ),
    "an operator calls an attempt landed": lambda s, o: any(
        isinstance(event, e.OrderConfirmed) and event.because is not None for event in s
    ),
    "a landing tells of a send nobody recorded": lambda s, o: any(
        isinstance(event, e.TransactionSubmitted) and event.answer.startswith("not recorded") for event in s
    ),
    "a limit order rests by its quotes and is confirmed": lambda s, o: (
        told(s, e.OrderRested, e.OrderConfirmed) and [rest.armed_at for rest in rests(s)] == [None]
    ),
    "a limit order rests by rejections and is armed again": lambda s, o: (
        told(s, e.BuildRejected, e.OrderRested, e.OrderTriggered) and all(rest.armed_at for rest in rests(s))
    ),
    "a limit order that buys is confirmed": lambda s, o: (o.type, o.side) == ("limit", "buy") and bool(o.fill),
    "a stop latches before its limit is met": lambda s, o: (
        told(s, e.StopTriggered, e.OrderTriggered) and _observed_apart(s)
    ),
    "a stop-limit order that buys is confirmed": lambda s, o: (
        (o.type, o.side) == ("stop-limit", "buy") and bool(o.fill)
    ),
    "an order waits for its price": lambda s, o: o.waits_for_price,
    "an order is routed": lambda s, o: o.status == "building",
    "an order may still land": lambda s, o: o.live_attempt is not None and not o.ended,
    "a first attempt called expired is the one that landed": lambda s, o: (
        [a.end for a in o.attempts] == ["confirmed", None]
    ),
    "a transaction joins another and the loser ends": lambda s, o: (
        o.status == "confirmed"
        and o.fill is not None
        and any(isinstance(event, e.AttemptExpired) for event in s[s.index(told_first(s, e.OrderConfirmed)) :])
    ),
    "an order is cancelled at once": lambda s, o: o.status == "cancelled" and not o.attempts,
    "an immediate order can't be filled": lambda s, o: (
        o.is_immediate and bool(o.cancellation and o.cancellation.code == "not_filled_at_once")
    ),
    "a stop order is confirmed": lambda s, o: o.type == "stop" and bool(o.fill),
    "a trailing stop follows its price and is confirmed": lambda s, o: bool(
        told(s, e.TrailMoved, e.TrailMoved, e.StopTriggered) and o.fill
    ),
    "a resting order expires": lambda s, o: bool(o.cancellation and o.cancellation.code == "expired"),
    "an order is cancelled by the chain": lambda s, o: [a.end for a in o.attempts][-1:] == ["cancelled"],
    "a deadline cancels a live order": lambda s, o: bool(o.failure and o.cancellation and o.cancellation.tx_hash),
    "a fork puts a confirmed swap into another slot": lambda s, o: any(
        isinstance(event, e.OrderRestated) and event.reason == "other_slot" for event in s
    ),
    "a sibling lands in the place of a confirmed swap": lambda s, o: bool(
        told(s, e.OrderRestated, e.AttemptExpired) and o.fill and o.fill.tx_hash == o.attempts[1].signature
    ),
    "a cancel lands in the place of a confirmed swap": lambda s, o: (
        told(s, e.OrderConfirmed, e.OrderRestated, e.OrderCancelled) and o.status == "cancelled"
    ),
    "an order is filled on paper": lambda s, o: bool(o.paper and o.paper_fill and not o.fill),
    "an order is amended twice, and confirmed with its last terms": lambda s, o: (
        told(s, e.OrderAmended, e.OrderAmended, e.OrderConfirmed) and bool(o.fill) and o.fill.amount_in == o.amount_in
    ),
    "an order fails while trading is halted": lambda s, o: bool(o.failure and o.failure.code == "trading_halted"),
}


def told_first(story: list[e.OrderEvent], kind: type[e.OrderEvent]) -> e.OrderEvent:
    return next(event for event in story if isinstance(event, kind))


def _observed_apart(story: list[e.OrderEvent]) -> bool:
    [stop] = [event for event in story if isinstance(event, e.StopTriggered)]
    [limit] = [event for event in story if isinstance(event, e.OrderTriggered)]
    return limit.observation is not None and limit.observation.slot > stop.observation.slot


@pytest.mark.parametrize("kind", KINDS)
def test_there_is_a_history_in_which(kind: str) -> None:
    assert any(KINDS[kind](story, order) for story, order in ORDERS)


def test_every_event_there_is_occurs_in_a_history() -> None:
    occurring = {one.topic for path in FILES for recorded, _ in read(path) for one in recorded}
    assert {model.TOPIC for model in MODELS} - occurring == set()


def test_no_history_holds_signed_bytes() -> None:
    for story, _ in ORDERS:
        for event in story:
            if isinstance(event, e.TransactionBuilt):
                assert set(event.transaction) <= {"A", "="}


class SubmittedLater(e.OrderSubmitted):
    """OrderSubmitted as a later version may have it: the local chain is called otherwise."""

    VERSION = 2

    @staticmethod
    def upcast_v1_v2(data: dict[str, Any]) -> dict[str, Any]:
        return {**data, "network": "own chain" if data["network"] == "localnet" else data["network"]}


@pytest.mark.parametrize(("path", "number"), STREAMS, ids=[f"{path.stem}-{number}" for path, number in STREAMS])
def test_a_later_version_brings_a_recorded_history_up_to_itself_and_changes_nothing_else(path: Path, number: int):
    recorded, expected = read(path)[number]
    later = EventMapper((SubmittedLater, *(model for model in MODELS if model is not e.OrderSubmitted)))
    changed = [".state.network", ".view.network"] if "state" in expected else []
    found = list(differences(expected, folded(later, recorded)))
    assert found == [f"{where} was 'localnet' and is 'own chain'" for where in changed]
