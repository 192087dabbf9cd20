"""Events of an order's attempts: its route, and each of its transactions up to where it fails."""

from __future__ import annotations

import operator
from typing import Annotated

from pydantic import Field

from domain.evidence import ExpiryEvidence, GuardTaken, OperatorEvidence
from domain.numbers import BaseUnits
from domain.order_event import BaseOrderEvent, Purpose
from domain.quotes import Quote, Refusal

MaximumIn = Annotated[BaseUnits | None, Field(exclude_if=lambda amount: amount is None)]
"""The most that the chain lets a swap pay, where the order names its amount out."""

MinimumOut = Annotated[BaseUnits | None, Field(exclude_if=lambda amount: amount is None)]


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
    """No transaction could be made, or its simulation failed. Nothing was signed: no attempt exists.

    ``minimum_out`` or ``maximum_in`` is what a market order's bound is from then on, where its venue's quotes have
    shown to be none to rely on: it counts from the first quote of others.
    """

    TOPIC = "order.BuildRejected"
    status = "routing"

    code: str
    detail: str
    logs: tuple[str, ...] = ()
    minimum_out: MinimumOut = None
    maximum_in: MaximumIn = None


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
