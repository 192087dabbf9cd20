"""How far a TWAP has come: folded from its own events and from those of its slices' orders, so never behind."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from pydantic import Field

from commands.orders import OrderRepository
from domain.numbers import to_units
from domain.order import Order
from domain.tokens import Side
from domain.twap import Twap
from projections.order_view import IfKnown, View, price

# So many orders are folded at a time: others are served between.
AT_ONCE = 100

TwapStatus = Literal["active", "paused", "finished", "cancelled"]


class RefusedSliceView(View):
    """A slice that was not taken as an order, by the code that its post would have been answered with."""

    slice: int
    code: str
    detail: str


class TwapView(View):
    """``done`` are the slices that have ended, filled or not, and those that were refused; ``finished``: all have.
    ``averagePrice`` is that of all that was executed, quote per base of ``pair``.
    """

    list_id: UUID
    kind: Literal["twap"] = "twap"
    client_list_id: str
    status: TwapStatus
    done: int
    slices: int
    every_ms: int
    pair: str = Field(examples=["SOL/USDC"])
    side: Side
    amount_in: str = Field(description="Of all slices together.", examples=["2"])
    network: str = Field(examples=["localnet"])
    paper: IfKnown[bool] = Field(
        default=None, description="Its slices are filled at quotes and never sent: no transaction stands behind them."
    )
    order_ids: list[UUID] = Field(description="The slices that were submitted, in their order.")
    refused: list[RefusedSliceView] = Field(description="The slices that were not taken.")
    executed_amount_in: str
    executed_amount_out: str
    average_price: IfKnown[str] = None
    because: IfKnown[str] = Field(default=None, description="Why it was paused or cancelled, where that was said.")


@dataclass(frozen=True, slots=True)
class SliceOutcome:
    """A slice's order by now; amounts in base units, 0 of what wasn't filled."""

    ended: bool
    amount_in: int
    amount_out: int

    @classmethod
    def of(cls, order: Order) -> SliceOutcome:
        fill = order.fill or order.paper_fill
        return cls(order.ended, fill.amount_in if fill else 0, fill.amount_out if fill else 0)


async def outcomes(orders: OrderRepository, order_ids: Sequence[UUID]) -> dict[UUID, SliceOutcome]:
    """Of those that were submitted. Raises ``UnreadableEventError``."""
    found: dict[UUID, SliceOutcome] = {}
    for start in range(0, len(order_ids), AT_ONCE):
        loaded = await orders.load(order_ids[start : start + AT_ONCE])
        for unreadable in loaded.unreadable.values():
            raise unreadable
        found |= {
            order_id: SliceOutcome.of(history.order) for order_id, history in loaded.orders.items() if history.order
        }
    return found


def twap_view(twap: Twap, found: dict[UUID, SliceOutcome]) -> TwapView:
    order, submitted = twap.submitted.order, [order_id for order_id in twap.order_ids if order_id in found]
    amount_in = sum(one.amount_in for one in found.values())
    amount_out = sum(one.amount_out for one in found.values())
    done = sum(one.ended for one in found.values()) + _never_orders(twap, found)
    return TwapView(
        list_id=twap.list_id,
        client_list_id=twap.submitted.client_list_id,
        status=_status(twap, found.values(), done),
        done=done,
        slices=twap.slices,
        every_ms=twap.submitted.every_ms,
        pair=order.pair.symbol,
        side=order.side,
        amount_in=to_units(order.amount_in, order.token_in.decimals),
        network=twap.submitted.network,
        paper=twap.submitted.paper or None,
        order_ids=submitted,
        refused=[RefusedSliceView(slice=one.slice, code=one.code, detail=one.detail) for one in twap.refused],
        executed_amount_in=to_units(amount_in, order.token_in.decimals),
        executed_amount_out=to_units(amount_out, order.token_out.decimals),
        average_price=price(order.price_of(amount_in, amount_out)) if amount_in and amount_out else None,
        because=twap.because,
    )


def is_over(twap: Twap, found: Mapping[UUID, SliceOutcome]) -> bool:
    """Whether nothing of the list changes any more: no slice is to come, and none is open."""
    all_ended = all(one.ended for one in found.values())
    return all_ended and (twap.state == "cancelled" or len(found) + _never_orders(twap, found) == twap.slices)


def _never_orders(twap: Twap, found: Mapping[UUID, SliceOutcome]) -> int:
    """The refused slices, without those that became orders later: the chain had executed them, and the log, which had
    lost that, has refused them meanwhile.
    """
    return sum(twap.order_id(one.slice) not in found for one in twap.refused)


def _status(twap: Twap, found: Collection[SliceOutcome], done: int) -> TwapStatus:
    # A cancel that came after the last slice's send has stopped nothing where that was filled.
    in_vain = twap.state == "cancelled" and all(one.amount_in for one in found)
    if done == twap.slices and (twap.state != "cancelled" or in_vain):
        return "finished"
    return twap.state
