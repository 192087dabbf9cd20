"""Events of an order as it is asked for, waits, is triggered, amended and asked to be cancelled."""

from __future__ import annotations

import operator
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from domain.legs import Leg
from domain.numbers import BaseUnits, Price
from domain.order_event import BaseOrderEvent, Observation
from domain.quotes import Quote, Refusal
from domain.terms import AmountOut, OrderTerms


class OrderSubmitted(BaseOrderEvent, OrderTerms):
    """The order's terms, flat in its JSON, and what the engine adds to them; only one that waits for no price has a
    deadline.

    ``paper``: nothing is ever signed for it, it is filled at a quote. ``leg``: its place in a list of orders;
    ``parent_id``: the TWAP that it is a slice of.
    """

    TOPIC = "order.OrderSubmitted"
    status = "pending"

    deadline: datetime | None = None
    network: str
    paper: Annotated[bool, Field(exclude_if=operator.not_)] = False
    leg: Annotated[Leg | None, Field(exclude_if=operator.not_)] = None
    parent_id: Annotated[UUID | None, Field(exclude_if=operator.not_)] = None


class OrderReleased(BaseOrderEvent):
    """The first order of its list is filled: from here on the order is as one that was submitted now.

    ``deadline`` as ``OrderSubmitted`` has it.
    """

    TOPIC = "order.OrderReleased"
    status = "pending"

    deadline: datetime | None = None


class OrderAmended(BaseOrderEvent):
    """An order that waits has other terms from here on; what is None stays as it was. It is armed anew.

    ``keeps_place``: only its amount fell, so it keeps its place among the orders that wait; else it is behind them, as
    if it were new.
    """

    TOPIC = "order.OrderAmended"
    status = None

    limit_price: Price | None = None
    stop_price: Price | None = None
    amount_in: BaseUnits | None = None
    slippage_bps: int | None = None
    expires_at: datetime | None = None
    keeps_place: bool
    amount_out: AmountOut = None


class OrderTriggered(BaseOrderEvent):
    """The order became executable: a market order at once, a limit order by the price that met its limit.

    ``reason`` immediate: a limit order that is filled at once or cancelled, at its submission, or by the price that
    reached its stop; stop: by the price that reached the stop of an order without a limit. ``deadline`` is until when
    attempts may begin: then a limit order rests again, and any other ends.
    """

    TOPIC = "order.OrderTriggered"
    status = "routing"

    reason: Literal["market", "limit", "immediate", "stop"]
    observation: Observation | None = None
    deadline: datetime | None = None


class StopTriggered(BaseOrderEvent):
    """The price reached the stop; from here on the order is a limit order, wherever the price goes, or a market order
    where it has no limit.
    """

    TOPIC = "order.StopTriggered"
    status = "pending"

    observation: Observation


class TrailMoved(BaseOrderEvent):
    """The best touch since the order began, which its trailing stop follows. Not every one is recorded, and always the
    one from which the price has come back by the trail.
    """

    TOPIC = "order.TrailMoved"
    status = None

    observation: Observation


class OrderRested(BaseOrderEvent):
    """The order waits for its price again: its quotes at size fell short, or it could not be executed in time.

    It is armed again by a better touch than ``touch`` or a quote at size that meets its limit; where ``armed_at`` is
    set, not before then.
    """

    TOPIC = "order.OrderRested"
    status = "pending"

    code: str
    detail: str
    touch: Price
    armed_at: datetime | None = None
    quotes: tuple[Quote, ...] = ()
    refusals: tuple[Refusal, ...] = ()


class CancelRequested(BaseOrderEvent):
    """From here on no swap is built or sent for the order; what may still land is followed.

    ``code`` is why, ``deadline_passed`` where its time was over; ``by`` and ``because`` are a person's.
    """

    TOPIC = "order.CancelRequested"
    status = None

    code: str
    by: str | None = None
    because: str | None = None
