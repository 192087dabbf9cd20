"""An order's state, and how each event changes it. ``evolve`` is total over the events this version knows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import reduce, singledispatch
from typing import Literal

from pydantic import BaseModel, ConfigDict

from domain import events as e
from domain.evidence import Commitment
from domain.numbers import BaseUnits, Price
from domain.quotes import Quote
from domain.tokens import Pair, Side, Token, pair_of
from domain.triggers import limit_minimum


class State(BaseModel):
    model_config = ConfigDict(frozen=True)


class Attempt(State):
    """One signed transaction. It is live until the log says that it landed, was rejected or can never land."""

    number: int
    quote: Quote
    signature: str
    wallet: str
    genesis_hash: str
    blockhash_slot: int
    last_valid_block_height: int
    minimum_out: BaseUnits
    submitted: bool = False
    end: Literal["rejected", "expired", "confirmed"] | None = None


class Route(State):
    chosen: Quote
    minimum_out: BaseUnits


class Fill(State):
    """What was executed, from the chain's own balances."""

    venue: str
    tx_hash: str
    slot: int
    commitment: Commitment
    amount_in: BaseUnits
    amount_out: BaseUnits
    executed_price: Price
    network_fee_lamports: BaseUnits
    venue_fee: BaseUnits
    venue_fee_token: str


class Failure(State):
    code: str
    detail: str
    retryable: bool


class Rest(State):
    """How a limit order waits again; ``failures`` is how often in a row it could not be executed."""

    touch: Price
    armed_at: datetime | None
    failures: int


class Order(State):
    """Everything a decision or a view needs of an order; never the signed bytes."""

    type: e.OrderType
    token_in: Token
    token_out: Token
    amount_in: BaseUnits
    slippage_bps: int
    slippage_defaulted: bool
    limit_price: Price | None
    stop_price: Price | None
    client_order_id: str | None
    deadline: datetime | None
    network: str
    status: e.Status = "pending"
    stop_reached: bool = False
    triggered_at: Price | None = None
    rejections: int = 0
    rest: Rest | None = None
    first_minimum_out: BaseUnits | None = None
    route: Route | None = None
    attempts: tuple[Attempt, ...] = ()
    fees_lost_lamports: BaseUnits = 0
    obstacle: str | None = None
    fill: Fill | None = None
    failure: Failure | None = None

    @property
    def pair(self) -> Pair:
        return pair_of(self.token_in, self.token_out)

    @property
    def side(self) -> Side:
        return self.pair.side(self.token_in)

    @property
    def waits_for_price(self) -> bool:
        """Whether the order rests until a price is observed that it acts on."""
        return self.type != "market" and self.status == "pending"

    @property
    def minimum_out(self) -> int | None:
        """The least any attempt may accept, in base units: the limit's, or a market order's first minimum."""
        if self.limit_price is None:
            return self.first_minimum_out
        return limit_minimum(self.side, self.amount_in, self.token_in, self.token_out, self.limit_price)

    @property
    def ended(self) -> bool:
        return self.status in ("confirmed", "failed")

    @property
    def live_attempt(self) -> Attempt | None:
        """The attempt that may still land, if there is one; there is never more than one."""
        last = self.attempts[-1] if self.attempts else None
        return last if last and last.end is None else None

    def attempt(self, number: int) -> Attempt | None:
        return self.attempts[number - 1] if 0 < number <= len(self.attempts) else None


def evolve(order: Order | None, event: e.OrderEvent) -> Order:
    """``order`` after ``event``; the first event of a stream makes the order."""
    if order is None:
        if not isinstance(event, e.OrderSubmitted):
            raise ValueError(f"a stream begins with OrderSubmitted, not {type(event).__name__}")
        return Order(**{name: getattr(event, name) for name in e.OrderSubmitted.model_fields})
    change = _apply(event, order)
    return order.model_copy(update={"status": event.status or order.status, **change})


def fold(events: Iterable[e.OrderEvent]) -> Order | None:
    """The state after ``events``, None where there are none."""
    return reduce(evolve, events, None)


def _ended(order: Order, number: int, end: str) -> tuple[Attempt, ...]:
    return tuple(a.model_copy(update={"end": end}) if a.number == number else a for a in order.attempts)


@singledispatch
def _apply(event: e.OrderEvent, order: Order) -> dict[str, object]:
    return {}


@_apply.register
def _(event: e.StopTriggered, order: Order) -> dict[str, object]:
    return {"stop_reached": True}


@_apply.register
def _(event: e.OrderTriggered, order: Order) -> dict[str, object]:
    if event.observation is None:
        return {}
    return {"triggered_at": event.observation.touch, "deadline": event.deadline, "rejections": 0, "obstacle": None}


@_apply.register
def _(event: e.OrderRested, order: Order) -> dict[str, object]:
    failures = order.rest.failures if order.rest else 0
    counted = failures + 1 if event.armed_at else 0
    return {"rest": Rest(touch=event.touch, armed_at=event.armed_at, failures=counted), "deadline": None}


@_apply.register
def _(event: e.OrderRouted, order: Order) -> dict[str, object]:
    first = order.first_minimum_out if order.first_minimum_out is not None else event.minimum_out
    return {"route": Route(chosen=event.chosen, minimum_out=event.minimum_out), "first_minimum_out": first}


@_apply.register
def _(event: e.BuildRejected, order: Order) -> dict[str, object]:
    return {"obstacle": event.code, "rejections": order.rejections + 1}


@_apply.register
def _(event: e.TransactionBuilt, order: Order) -> dict[str, object]:
    if order.route is None:
        raise ValueError("a transaction was built before the order was routed")
    attempt = Attempt(
        number=event.attempt,
        quote=order.route.chosen,
        signature=event.signature,
        wallet=event.wallet,
        genesis_hash=event.genesis_hash,
        blockhash_slot=event.blockhash_slot,
        last_valid_block_height=event.last_valid_block_height,
        minimum_out=event.minimum_out,
    )
    return {"attempts": (*order.attempts, attempt)}


@_apply.register
def _(event: e.TransactionSubmitted, order: Order) -> dict[str, object]:
    return {
        "attempts": tuple(
            a.model_copy(update={"submitted": True}) if a.number == event.attempt else a for a in order.attempts
        )
    }


@_apply.register
def _(event: e.AttemptRejected, order: Order) -> dict[str, object]:
    return {
        "attempts": _ended(order, event.attempt, "rejected"),
        "obstacle": event.code,
        "rejections": order.rejections + 1,
        "fees_lost_lamports": order.fees_lost_lamports + event.fee_lamports,
    }


@_apply.register
def _(event: e.AttemptExpired, order: Order) -> dict[str, object]:
    return {"attempts": _ended(order, event.attempt, "expired"), "obstacle": "transaction_expired"}


@_apply.register
def _(event: e.OrderConfirmed, order: Order) -> dict[str, object]:
    fill = Fill(**{name: getattr(event, name) for name in Fill.model_fields})
    return {"attempts": _ended(order, event.attempt, "confirmed"), "fill": fill}


@_apply.register
def _(event: e.OrderFailed, order: Order) -> dict[str, object]:
    return {"failure": Failure(code=event.code, detail=event.detail, retryable=event.retryable)}
