"""What happened to an order. Immutable, past tense, with an explicit topic and version; the log holds nothing else.

Amounts are base units (``...BaseUnits`` in JSON), prices are quote per base. Beside its data each recorded event
has, as columns of the log: event, account, command, correlation and causation id, recorded-at, position, hash.
"""

from __future__ import annotations

import operator
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, TypeGuard, get_args
from uuid import UUID

from pydantic import Field

from domain.evidence import Commitment, ExpiryEvidence, GuardTaken, OperatorEvidence
from domain.legs import Leg
from domain.numbers import BaseUnits, Price
from domain.quotes import Quote, Recorded, Refusal
from domain.terms import AmountOut, OrderTerms

Status = Literal["pending", "routing", "building", "submitted", "confirmed", "failed", "cancelled"]
Purpose = Literal["swap", "cancel"]
MaximumIn = Annotated[BaseUnits | None, Field(exclude_if=lambda amount: amount is None)]
"""The most that the chain lets a swap pay, where the order names its amount out."""


class BaseOrderEvent(Recorded):
    """What every event of an order's stream has.

    ``status`` is the order's status after it, None where it changes nothing; ``secret`` names what never leaves.
    """

    TOPIC: ClassVar[str]
    VERSION: ClassVar[int] = 1
    status: ClassVar[Status | None]
    secret: ClassVar[frozenset[str]] = frozenset()

    def public(self) -> dict[str, Any]:
        """The event's data as clients see it: JSON types, camelCase, without what is secret."""
        return self.model_dump(mode="json", by_alias=True, exclude=set(self.secret), exclude_none=True)


class Observation(Recorded):
    """A price that a source gave: the touch in the order's direction, after the best venue's fee, at ``slot``."""

    source: str
    pair: str
    slot: int
    touch: Price
    observed_at: datetime


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


class OrderRouted(BaseOrderEvent):
    """Every quote considered, losers and refusals too, and the choice; the minimum is what the chain will enforce."""

    TOPIC = "order.OrderRouted"
    status = "building"

    quotes: tuple[Quote, ...]
    refusals: tuple[Refusal, ...] = ()
    chosen: Quote
    policy: str
    policy_version: int
    expected_out: BaseUnits
    minimum_out: BaseUnits
    maximum_in: MaximumIn = None


class BuildRejected(BaseOrderEvent):
    """No transaction could be made, or its simulation failed. Nothing was signed: no attempt exists."""

    TOPIC = "order.BuildRejected"
    status = "routing"

    code: str
    detail: str
    logs: tuple[str, ...] = ()


class TransactionBuilt(BaseOrderEvent):
    """The attempt is signed and durable: from here on it may land. ``transaction`` is its bytes in base64.

    ``purpose`` cancel: it makes the order's guard and nothing else, so that no swap of the order can succeed after it.
    ``guard`` is the account it makes first, with ``guard_rent_lamports`` of rent. ``height`` is the greatest block
    height that any endpoint showed when it was signed. ``compute_unit_price`` is in micro-lamports, and
    ``priority_fee_lamports`` the most that it comes to; ``tip_lamports`` go to landers where it succeeds. Attempts of
    older logs have none of them.
    """

    TOPIC = "order.TransactionBuilt"
    status = "building"
    secret = frozenset({"transaction"})

    attempt: int
    transaction: str
    signature: str
    wallet: str
    memo: str
    genesis_hash: str
    blockhash: str
    blockhash_slot: int
    last_valid_block_height: int
    minimum_out: BaseUnits
    guard: str | None = None
    guard_rent_lamports: BaseUnits | None = None
    height: int | None = None
    purpose: Annotated[Purpose, Field(exclude_if=lambda purpose: purpose == "swap")] = "swap"
    compute_unit_price: Annotated[int, Field(exclude_if=operator.not_)] = 0
    priority_fee_lamports: Annotated[BaseUnits, Field(exclude_if=operator.not_)] = 0
    tip_lamports: Annotated[BaseUnits, Field(exclude_if=operator.not_)] = 0
    maximum_in: MaximumIn = None


class TransactionSubmitted(BaseOrderEvent):
    """The first send of an attempt was made, whatever it answered, a time-out included: no answer proves anything."""

    TOPIC = "order.TransactionSubmitted"
    status = "submitted"

    attempt: int
    signature: str
    answer: str


class AttemptRejected(BaseOrderEvent):
    """The attempt is on chain with an error, finalized: it moved nothing but its fee, and never will.

    ``evidence`` shows that the order's guard isn't there either; without it one endpoint says so alone, which lets the
    order go on, and not end.
    """

    TOPIC = "order.AttemptRejected"
    status = "routing"

    attempt: int
    signature: str
    slot: int
    code: str
    detail: str
    logs: tuple[str, ...] = ()
    fee_lamports: BaseUnits
    evidence: ExpiryEvidence | None = None


class AttemptExpired(BaseOrderEvent):
    """The attempt can never land, and why we know. Recorded again where an order is to end and the first evidence of it
    was one endpoint's alone. Recorded after the order's end for a loser, whose guard another attempt has taken.
    """

    TOPIC = "order.AttemptExpired"
    status = "routing"

    attempt: int
    signature: str
    evidence: ExpiryEvidence | OperatorEvidence | GuardTaken


class OrderConfirmed(BaseOrderEvent):
    """The swap is on chain at ``commitment``; amounts are what the transaction's token balances show.

    ``guard_rent_lamports`` is what lies in the order's guard, part of neither price nor fee. ``because`` is set where
    an operator said so of what the chain no longer tells. ``tip_lamports`` went to landers, beside the network fee;
    ``account_rent_lamports`` lies in token accounts of the wallet's that it made. A swap that another log or engine
    signed has the attempt's number there, and neither venue nor its fee.
    """

    TOPIC = "order.OrderConfirmed"
    status = "confirmed"

    attempt: int
    tx_hash: str
    slot: int
    commitment: Commitment
    venue: str | None
    amount_in: BaseUnits
    amount_out: BaseUnits
    executed_price: Price
    network_fee_lamports: BaseUnits
    venue_fee: BaseUnits | None
    venue_fee_token: str | None
    guard_rent_lamports: BaseUnits | None = None
    because: str | None = None
    tip_lamports: Annotated[BaseUnits, Field(exclude_if=operator.not_)] = 0
    account_rent_lamports: Annotated[BaseUnits, Field(exclude_if=operator.not_)] = 0


RestatedFor = Literal["other_amounts", "other_slot", "other_fees", "another_attempt", "cancel", "other_leg"]


class OrderRestated(BaseOrderEvent):
    """A confirmed order is said anew as the chain has it for good: a fork, a node that lied or an operator had it
    otherwise. It stays confirmed, unless the order's cancel landed in the swap's place.

    ``reason`` is what differs; ``instead_of`` is the transaction that the order named before. Of a cancel nothing of a
    swap is known, and the order's end follows in the same append; so it does where another order of its list took their
    guard in its place, which is no attempt of this one: ``attempt`` is 0.
    """

    TOPIC = "order.OrderRestated"
    status = None

    reason: RestatedFor
    instead_of: str
    attempt: int
    tx_hash: str
    slot: int
    commitment: Commitment
    venue: str | None = None
    amount_in: BaseUnits | None = None
    amount_out: BaseUnits | None = None
    executed_price: Price | None = None
    network_fee_lamports: BaseUnits
    venue_fee: BaseUnits | None = None
    venue_fee_token: str | None = None
    guard_rent_lamports: BaseUnits | None = None
    tip_lamports: Annotated[BaseUnits, Field(exclude_if=operator.not_)] = 0
    account_rent_lamports: Annotated[BaseUnits, Field(exclude_if=operator.not_)] = 0


class PaperFilled(BaseOrderEvent):
    """A paper order is filled at the quote of its route: nothing was signed, and nothing is on chain."""

    TOPIC = "order.PaperFilled"
    status = "confirmed"

    venue: str
    amount_in: BaseUnits
    amount_out: BaseUnits
    executed_price: Price
    venue_fee: BaseUnits
    venue_fee_token: str


class CancelRequested(BaseOrderEvent):
    """From here on no swap is built or sent for the order; what may still land is followed.

    ``code`` is why, ``deadline_passed`` where its time was over; ``by`` and ``because`` are a person's.
    """

    TOPIC = "order.CancelRequested"
    status = None

    code: str
    by: str | None = None
    because: str | None = None


class CancelEvidence(Recorded):
    """The order's cancel on chain, finalized: it took the order's guard, so no swap of the order ever succeeds."""

    attempt: int
    signature: str
    slot: int
    network_fee_lamports: BaseUnits
    guard_rent_lamports: BaseUnits | None = None


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


class OrderCancelled(BaseOrderEvent):
    """The end without a swap that somebody asked for, or the order's own terms. ``evidence`` is None where nothing
    could land any more; ``quotes`` and ``refusals`` are the last ones seen, where that is why. ``taken``: another order
    of its list took the guard that they share.
    """

    TOPIC = "order.OrderCancelled"
    status = "cancelled"

    code: str
    detail: str
    evidence: CancelEvidence | None = None
    taken: Annotated[GuardTaken | None, Field(exclude_if=operator.not_)] = None
    quotes: Annotated[tuple[Quote, ...], Field(exclude_if=operator.not_)] = ()
    refusals: Annotated[tuple[Refusal, ...], Field(exclude_if=operator.not_)] = ()


class OrderFailed(BaseOrderEvent):
    """The end without a swap. ``quotes`` and ``refusals`` are the last ones seen, where that is why; ``evidence`` is
    the cancel on chain that ended it, where one did; ``tx_hash`` is what another log or engine executed under the
    order's id.
    """

    TOPIC = "order.OrderFailed"
    status = "failed"

    code: str
    detail: str
    retryable: bool
    quotes: tuple[Quote, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    evidence: CancelEvidence | None = None
    tx_hash: str | None = None


OrderEvent = (
    OrderSubmitted
    | StopTriggered
    | TrailMoved
    | OrderTriggered
    | OrderRested
    | OrderRouted
    | BuildRejected
    | TransactionBuilt
    | TransactionSubmitted
    | AttemptRejected
    | AttemptExpired
    | OrderConfirmed
    | OrderFailed
    | CancelRequested
    | OrderCancelled
    | OrderRestated
    | PaperFilled
    | OrderAmended
    | OrderReleased
)
"""Any event of an order's stream; a union, so that mypy finds the ``match`` that forgets one of them."""

ORDER_EVENTS: tuple[type[OrderEvent], ...] = get_args(OrderEvent)


def is_order_event(event: object) -> TypeGuard[OrderEvent]:
    """Whether ``event`` belongs to an order's stream."""
    return isinstance(event, BaseOrderEvent)
