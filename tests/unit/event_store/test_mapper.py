from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from domain.account import ACCOUNT_EVENTS, TradingHalted
from domain.events import ORDER_EVENTS, OrderSubmitted
from domain.order_event import BaseOrderEvent
from domain.tokens import Token
from event_store.errors import UnknownTopicError
from event_store.mapper import EventMapper
from tests.unit.domain import scenario


class Event(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, extra="forbid")


class Priced(Event):
    TOPIC: ClassVar[str] = "test.Priced"
    VERSION: ClassVar[int] = 3

    price_text: str
    seen_at: datetime
    parts: tuple[int, ...] = ()

    @staticmethod
    def upcast_v1_v2(data: dict[str, Any]) -> dict[str, Any]:
        return {**data, "price": str(data["price"])}

    @staticmethod
    def upcast_v2_v3(data: dict[str, Any]) -> dict[str, Any]:
        price = data.pop("price")
        return {**data, "priceText": price}


NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def test_an_event_comes_back_as_it_went() -> None:
    mapper = EventMapper([Priced])
    event = Priced(price_text="1.50", seen_at=NOW, parts=(1, 2))

    topic, state = mapper.dump(event)

    assert (topic, state[:14]) == ("test.Priced", b'{"v":3,"data":')
    assert b'"priceText":"1.50"' in state
    assert mapper.load(topic, state) == event


def test_an_old_event_is_brought_up_step_by_step() -> None:
    mapper = EventMapper([Priced])

    for state in (
        b'{"v":1,"data":{"price":15,"seenAt":"2026-01-02T03:04:05.678901Z"}}',
        b'{"v":2,"data":{"price":"15","seenAt":"2026-01-02T03:04:05.678901Z"}}',
        b'{"v":3,"data":{"priceText":"15","seenAt":"2026-01-02T03:04:05.678901Z"}}',
    ):
        assert mapper.load("test.Priced", state) == Priced(price_text="15", seen_at=NOW)


def test_fields_nobody_knows_any_more_are_ignored() -> None:
    state = b'{"v":3,"data":{"priceText":"15","seenAt":"2026-01-02T03:04:05.678901Z","mood":"good"}}'

    assert EventMapper([Priced]).load("test.Priced", state) == Priced(price_text="15", seen_at=NOW)


def test_what_this_code_cannot_judge_is_an_unknown_topic() -> None:
    mapper = EventMapper([Priced])

    with pytest.raises(UnknownTopicError, match=r"test\.Other"):
        mapper.load("test.Other", b"{}")
    with pytest.raises(UnknownTopicError, match="version 4"):
        mapper.load("test.Priced", b'{"v":4,"data":{}}')
    for state in (b'{"v":0,"data":{}}', b'{"v":-1,"data":{}}'):
        with pytest.raises(ValueError, match="has no version"):
            mapper.load("test.Priced", state)
    with pytest.raises(UnknownTopicError):
        EventMapper([]).dump(Priced(price_text="1", seen_at=NOW))


def test_a_mapper_with_a_topic_twice_or_a_step_missing_is_never_built() -> None:
    class Gapped(Event):
        TOPIC: ClassVar[str] = "test.Gapped"
        VERSION: ClassVar[int] = 2

    with pytest.raises(ValueError, match=r"two models have the topic test\.Priced"):
        EventMapper([Priced, Priced])
    with pytest.raises(ValueError, match="Gapped has no upcast_v1_v2"):
        EventMapper([Gapped])


def test_an_order_event_keeps_its_amounts_exact() -> None:
    mapper = EventMapper(ORDER_EVENTS)
    token = Token(symbol="SOL", mint="So11111111111111111111111111111111111111112", decimals=9)
    event = OrderSubmitted(
        type="market",
        token_in=token,
        token_out=token,
        amount_in=2**64 - 1,
        slippage_bps=50,
        slippage_defaulted=True,
        deadline=NOW,
        network="localnet",
    )

    topic, state = mapper.dump(event)

    assert b'"amountInBaseUnits":"18446744073709551615"' in state
    assert mapper.load(topic, state) == event


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a\0b", "a\ufffdb"),
        ("\0\0", "\ufffd\ufffd"),
        ("\\\0", "\\\ufffd"),
        ("\\u0000", "\\u0000"),
        ("\\\\u0000\0", "\\\\u0000\ufffd"),
    ],
)
def test_no_event_holds_a_nul_which_no_text_of_postgresql_may(text: str, kept: str) -> None:
    mapper = EventMapper([Priced])
    event = Priced(price_text=text, seen_at=NOW)

    written = mapper.load(*mapper.dump(event))
    of_an_older_log = mapper.load("test.Priced", b'{"v":3,"data":%s}' % event.model_dump_json(by_alias=True).encode())

    assert written == of_an_older_log == Priced(price_text=kept, seen_at=NOW)
    assert b"\0" not in mapper.dump(event)[1]
    assert mapper.dump(of_an_older_log) == mapper.dump(event)


def test_only_a_whole_event_of_another_kind_says_that_its_stream_is_of_that_kind() -> None:
    """An order's first event under another's topic was damaged, even where that other's model asks for nothing."""
    mapper = EventMapper((*ORDER_EVENTS, *ACCOUNT_EVENTS))
    [submitted, *_] = scenario.submitted()
    topic, state = mapper.dump(submitted)
    others = [model.TOPIC for model in ACCOUNT_EVENTS]
    for damaged in (topic, "order.OrderRouted", "account.FromLater", *others):
        assert not mapper.is_anothers(recorded(damaged, state), BaseOrderEvent), damaged
    topic, state = mapper.dump(TradingHalted(reason="a test"))
    assert mapper.is_anothers(recorded(topic, state), BaseOrderEvent)
    for cut in (b"", state[:-9], state.replace(b"}", b',"more":1}', 1)):
        assert not mapper.is_anothers(recorded(topic, cut), BaseOrderEvent), cut


def recorded(topic: str, state: bytes) -> Any:
    return SimpleNamespace(topic=topic, state=state)
