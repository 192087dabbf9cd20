"""Events that end an order, and the one that says an end was otherwise."""

from __future__ import annotations

import operator
from typing import Annotated, Literal

from pydantic import Field

from domain.evidence import Commitment, GuardTaken
from domain.numbers import BaseUnits, Price
from domain.order_event import BaseOrderEvent
from domain.quotes import Quote, Recorded, Refusal


class OrderConfirmed(BaseOrderEvent):
    """The swap is on chain at ``commitment``; amounts are what the transaction's token balances show.

    ``guard_rent_lamports`` is what lies in the order's guard, part of neither price nor fee. ``because`` is set where
    an operator said so of what the chain no longer tells. ``tip_lamports`` went to landers, beside the network fee;
    ``account_rent_lamports`` lies in token accounts of the wallet's that it made. A swap that another log or engine
    signed has the attempt's number there, and neither venue nor its fee. ``venue_fee`` is of ``amount_in``, None where
    the venue's rate doesn't tell it exactly. ``shown_alone`` is set of an order that others of its list follow: one
    endpoint of several shows the swap, and they begin once another one does.
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
    shown_alone: Annotated[bool, Field(exclude_if=operator.not_)] = False


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


class CancelEvidence(Recorded):
    """The order's cancel on chain, finalized: it took the order's guard, so no swap of the order ever succeeds."""

    attempt: int
    signature: str
    slot: int
    network_fee_lamports: BaseUnits
    guard_rent_lamports: BaseUnits | None = None


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
