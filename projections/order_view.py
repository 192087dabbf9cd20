"""An order as clients see it: camelCase, token units as text, and nothing that isn't known yet."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from domain.codes import meaning
from domain.events import Status
from domain.numbers import plain, to_units
from domain.order import Failure, Order
from domain.terms import OrderType, TimeInForce
from domain.tokens import KNOWN_TOKENS, Side
from domain.trailing import trail_stop


def instant(value: datetime) -> str:
    """RFC 3339 in UTC with milliseconds: ``2026-01-01T00:00:00.000Z``."""
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03d}Z"


Instant = Annotated[str, BeforeValidator(lambda value: value if isinstance(value, str) else instant(value))]


T = TypeVar("T")
IfKnown = Annotated[T | None, Field(exclude_if=lambda value: value is None)]
"""Absent from the JSON while it is None."""


class View(BaseModel):
    """What clients see, by its camelCase names."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)


class VenueFee(View):
    token: str
    amount: str


class Fee(View):
    """What the fill cost beside its price: the network's fee, lost attempts included, and the venue's own.

    ``tip_lamports`` went to landers. ``guard_rent_lamports`` lies in the order's guard until the guard is closed: it
    is no cost, and comes back. ``guard_rent_returned`` says whether it has, of the order as it is now.
    ``account_rent_lamports`` lies in the wallet's own token account, which the swap made: it stays the wallet's.
    """

    network_lamports: str
    tip_lamports: IfKnown[str] = None
    guard_rent_lamports: IfKnown[str] = None
    guard_rent_returned: IfKnown[bool] = None
    account_rent_lamports: IfKnown[str] = None
    venue: IfKnown[VenueFee] = None


class FailureView(View):
    """Why there is no swap; ``retryable`` says whether the same order may well succeed when sent again. ``tx_hash`` is
    what was executed under the order's id in its place, by another engine.
    """

    code: str
    detail: str
    retryable: bool
    tx_hash: IfKnown[str] = None


class CancellationView(View):
    """The order is to end without a swap, or has; ``txHash`` is the transaction that settled it on chain.

    Until then a swap that was sent before may still land. ``because`` is who asked for it's own word.
    """

    code: str
    detail: str
    because: IfKnown[str] = None
    tx_hash: IfKnown[str] = None
    network_lamports: IfKnown[str] = None
    guard_rent_lamports: IfKnown[str] = None
    guard_rent_returned: IfKnown[bool] = None


class UncertaintyView(View):
    """A transaction past its time whose outcome the chain doesn't tell yet: the order is neither failed nor swapped.

    ``resolvable``: the chain can never tell again, and an operator may end it (`surefill resolve`).
    """

    attempt: int
    reason: str
    since: Instant
    checked_at: Instant
    resolvable: bool


class DeadLetterView(View):
    """The engine can't handle the order and has set it aside until an operator looks; ``processor`` is who can't."""

    processor: str = Field(examples=["route"])
    since: Instant


class HaltView(View):
    """Nothing is signed for the order until an operator resumes trading: it waits."""

    code: Literal["log_behind", "trading_halted"]
    detail: str


class OrderView(View):
    """The contract's order. Amounts are decimal token units, ``executedPrice`` is quote per base of ``pair``."""

    order_id: UUID
    client_order_id: IfKnown[str] = None
    parent_id: IfKnown[UUID] = Field(default=None, description="The list that it is part of.")
    status: Status
    held: IfKnown[bool] = Field(default=None, description="It begins once the first order of its list is filled.")
    version: int
    type: OrderType
    pair: str = Field(examples=["SOL/USDC"])
    side: Side
    token_in: str = Field(examples=["SOL"])
    token_out: str = Field(examples=["USDC"])
    amount_in: IfKnown[str] = Field(default=None, examples=["1.5"], description="Unless it names its `amountOut`.")
    amount_out: IfKnown[str] = Field(default=None, description="What it is to get, where it names that.")
    maximum_in: IfKnown[str] = Field(
        default=None, description="The most that it may pay for its `amountOut`, as far as that is known."
    )
    limit_price: IfKnown[str] = None
    stop_price: IfKnown[str] = None
    trail_bps: IfKnown[int] = None
    best_price: IfKnown[str] = None
    time_in_force: Annotated[TimeInForce, Field(exclude_if=lambda in_force: in_force == "gtc")] = "gtc"
    expires_at: IfKnown[Instant] = None
    slippage_bps: int
    network: str = Field(examples=["localnet"])
    paper: IfKnown[bool] = Field(
        default=None, description="Filled at a quote and never sent: no transaction stands behind it."
    )
    submitted_at: Instant
    updated_at: Instant
    attempts: int
    dex: IfKnown[str] = None
    tx_hash: IfKnown[str] = None
    executed_amount_in: IfKnown[str] = None
    executed_amount_out: IfKnown[str] = None
    executed_price: IfKnown[str] = None
    fee: IfKnown[Fee] = None
    failure: IfKnown[FailureView] = None
    cancellation: IfKnown[CancellationView] = None
    uncertainty: IfKnown[UncertaintyView] = None
    dead_letter: IfKnown[DeadLetterView] = None
    halt: IfKnown[HaltView] = None


def has_rent(view: OrderView) -> bool:
    """Whether rent went into a guard of the order."""
    return any(part is not None and part.guard_rent_lamports is not None for part in (view.fee, view.cancellation))


def with_rent(view: OrderView, *, returned: bool) -> OrderView:
    """``view`` with what has become of the rent in the order's guard, where there is some."""
    parts = {"fee": view.fee, "cancellation": view.cancellation}
    said = {
        name: part.model_copy(update={"guard_rent_returned": returned})
        for name, part in parts.items()
        if part is not None and part.guard_rent_lamports is not None
    }
    return view.model_copy(update=said)


def order_view(order_id: UUID, order: Order, version: int, submitted_at: datetime, updated_at: datetime) -> OrderView:
    """The view of ``order`` as of ``version``, whose instants are when the log recorded its first and last event."""
    fill = order.fill or order.paper_fill
    return OrderView(
        order_id=order_id,
        client_order_id=order.client_order_id,
        parent_id=order.parent_id or (order.leg and order.leg.list_id),
        status=order.status,
        held=(order.is_held and not order.ended) or None,
        version=version,
        type=order.type,
        pair=order.pair.symbol,
        side=order.side,
        token_in=order.token_in.symbol,
        token_out=order.token_out.symbol,
        amount_in=to_units(order.amount_in, order.token_in.decimals) if order.amount_out is None else None,
        amount_out=None if order.amount_out is None else to_units(order.amount_out, order.token_out.decimals),
        maximum_in=_maximum_in(order),
        limit_price=price(order.limit_price),
        stop_price=price(stop_price(order)),
        trail_bps=order.trail_bps,
        best_price=price(order.best_touch),
        time_in_force=order.time_in_force,
        expires_at=order.expires_at and instant(order.expires_at),
        slippage_bps=order.slippage_bps,
        network=order.network,
        paper=order.paper or None,
        submitted_at=submitted_at,
        updated_at=updated_at,
        attempts=len(order.attempts),
        dex=dex(order),
        tx_hash=tx_hash(order),
        executed_amount_in=to_units(fill.amount_in, order.token_in.decimals) if fill else None,
        executed_amount_out=to_units(fill.amount_out, order.token_out.decimals) if fill else None,
        executed_price=executed_price(order),
        fee=_fee(order),
        failure=_failure(order.failure),
        cancellation=cancellation(order),
    )


def _maximum_in(order: Order) -> str | None:
    if order.amount_out is None or order.maximum_in is None:
        return None
    return to_units(order.maximum_in, order.token_in.decimals)


def stop_price(order: Order) -> Decimal | None:
    """The order's stop; of a trailing stop, that behind the best price which is recorded."""
    if order.trail_bps is None or order.best_touch is None:
        return order.stop_price
    return trail_stop(order.side, order.best_touch, order.trail_bps)


def dex(order: Order) -> str | None:
    """The venue of the fill, before it of the current route."""
    if fill := order.fill or order.paper_fill:
        return fill.venue
    return order.route.chosen.venue if order.route else None


def tx_hash(order: Order) -> str | None:
    """The fill's transaction, before it the latest that was sent; one that was only signed is nobody's to see yet."""
    if order.fill:
        return order.fill.tx_hash
    swaps = (attempt for attempt in reversed(order.attempts) if attempt.submitted and attempt.purpose == "swap")
    return next((swap.signature for swap in swaps), None)


def cancellation(order: Order) -> CancellationView | None:
    """Why the order is to end, or has ended, without a swap; None of one that swapped, or that nobody cancels."""
    asked = order.cancellation
    if asked is None or order.fill:
        return None
    return CancellationView(
        code=asked.code,
        detail=meaning(asked.code).sentence,
        because=asked.because,
        tx_hash=asked.tx_hash,
        network_lamports=str(asked.network_fee_lamports) if asked.tx_hash else None,
        guard_rent_lamports=None if asked.guard_rent_lamports is None else str(asked.guard_rent_lamports),
    )


def executed_price(order: Order) -> str | None:
    fill = order.fill or order.paper_fill
    return price(fill.executed_price) if fill else None


def price(value: Decimal | None) -> str | None:
    """A price as clients read it; None where there is none."""
    return None if value is None else plain(value)


def _fee(order: Order) -> Fee | None:
    fill = order.fill or order.paper_fill
    if fill is None:
        return None
    mint = fill.venue_fee_token
    # Paper costs no lamports.
    lamports, rent = (order.fill.network_fee_lamports, order.fill.guard_rent_lamports) if order.fill else (0, None)
    known = [one for one in (order.token_in, order.token_out) if one.mint == mint]
    token = known[0] if known else KNOWN_TOKENS.find(mint or "")
    amount = to_units(fill.venue_fee or 0, token.decimals) if token else None
    return Fee(
        network_lamports=str(lamports),
        tip_lamports=_or_nothing(order.fill.tip_lamports) if order.fill else None,
        guard_rent_lamports=None if rent is None else str(rent),
        account_rent_lamports=_or_nothing(order.fill.account_rent_lamports) if order.fill else None,
        venue=VenueFee(token=token.symbol, amount=amount) if token and amount else None,
    )


def _or_nothing(lamports: int) -> str | None:
    return str(lamports) if lamports else None


def _failure(failure: Failure | None) -> FailureView | None:
    return FailureView(**failure.model_dump()) if failure else None
