"""What is asked of an order, or was learned about it. ``decide`` says which events follow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from domain.codes import Code
from domain.events import Observation, Purpose
from domain.evidence import ExpiryEvidence, GuardTaken, Landing, OperatorEvidence
from domain.legs import Leg
from domain.log_behind import ForeignTransactionFound
from domain.quotes import Quote, Refusal
from domain.terms import OrderTerms


@dataclass(frozen=True, slots=True)
class SubmitOrder:
    """A new order; the engine gives a market order its ``deadline``, every order its ``network``, and says whether it
    is filled on ``paper`` alone. ``leg``: its place in a list of orders; ``parent_id``: the TWAP that it is a slice of.
    """

    terms: OrderTerms
    deadline: datetime | None
    network: str
    paper: bool = False
    leg: Leg | None = None
    parent_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ObservePrice:
    """A price was observed. ``met_at_size``: a quote at the order's size, from the same observation, met its limit.
    ``best`` is the observation with the best touch since the order began, where the log doesn't have it.
    """

    observation: Observation
    met_at_size: bool
    now: datetime
    best: Observation | None = None


@dataclass(frozen=True, slots=True)
class RecordQuotes:
    """Every venue was asked at the order's size; this is what they answered."""

    quotes: tuple[Quote, ...]
    refusals: tuple[Refusal, ...]
    now: datetime


@dataclass(frozen=True, slots=True)
class FillOnPaper:
    """A paper order is to be filled at the best of ``quotes``."""

    quotes: RecordQuotes


@dataclass(frozen=True, slots=True)
class RejectBuild:
    """No transaction could be made of the chosen route, or its simulation failed.

    ``others`` are the first quotes of the order that are not by the service whose quote was taken, where that is a
    remote one whose swaps gave less than its quotes; ``simulated``: it is its simulation that failed, in a
    state of the chain at ``slot``.
    """

    code: str
    detail: str
    logs: tuple[str, ...]
    now: datetime
    simulated: bool = False
    slot: int = 0
    others: tuple[Quote, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordBuilt:
    """A transaction is signed and not sent yet: it is sent only once this is recorded."""

    attempt: int
    transaction: str
    signature: str
    wallet: str
    memo: str
    genesis_hash: str
    blockhash: str
    blockhash_slot: int
    last_valid_block_height: int
    minimum_out: int
    guard: str
    guard_rent_lamports: int
    height: int
    now: datetime
    purpose: Purpose = "swap"
    compute_unit_price: int = 0
    priority_fee_lamports: int = 0
    tip_lamports: int = 0
    maximum_in: int | None = None


@dataclass(frozen=True, slots=True)
class ReplaceSwap:
    """A swap that nobody sees is joined by another one, ``built`` for the best of ``quotes``."""

    quotes: RecordQuotes
    built: RecordBuilt


@dataclass(frozen=True, slots=True)
class RecordSent:
    """The first send of an attempt was made; ``answer`` is for the record only."""

    attempt: int
    signature: str
    answer: str


@dataclass(frozen=True, slots=True)
class RecordLanding:
    """The chain holds an attempt's transaction: a success, or a finalized error. ``because``: an operator says so.

    ``evidence`` of an error shows that no transaction of the order has succeeded.
    """

    attempt: int
    landing: Landing
    now: datetime
    because: str | None = None
    evidence: ExpiryEvidence | None = None


@dataclass(frozen=True, slots=True)
class RestateOutcome:
    """The chain shows, finalized, what a confirmed order came to: by its swap, by a sibling of it, or by its cancel."""

    attempt: int
    landing: Landing


@dataclass(frozen=True, slots=True)
class RecordExpiry:
    """An attempt can never land, proven by ``evidence``."""

    attempt: int
    evidence: ExpiryEvidence | OperatorEvidence | GuardTaken
    now: datetime


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The world could not be asked. Ends the order only once its deadline has passed."""

    code: str
    detail: str
    now: datetime


@dataclass(frozen=True, slots=True)
class RequestCancel:
    """The order shall end without a swap: somebody asks for it, or its time is over while a swap may still land.

    ``is_taker_known``: what took its guard is a transaction of another order that shares it.
    """

    code: Code = Code.CANCELLED
    by: str | None = None
    because: str | None = None
    is_taker_known: bool = False


@dataclass(frozen=True, slots=True)
class ReleaseOrder:
    """The first order of its list is filled."""

    now: datetime


@dataclass(frozen=True, slots=True)
class RecordOtherLeg:
    """Another order of its list took the guard that they share, finalized: by its swap, or by its cancel."""

    taken: GuardTaken


@dataclass(frozen=True, slots=True)
class AmendOrder:
    """Other terms for an order that waits; None for what stays. Amounts are in base units."""

    now: datetime
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    amount_in: int | None = None
    amount_out: int | None = None
    slippage_bps: int | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RecordElsewhere:
    """The chain shows, finalized, a success of the order that this log did not sign."""

    found: ForeignTransactionFound


@dataclass(frozen=True, slots=True)
class RecordClosedElsewhere:
    """A reclaim that this log did not sign has closed the order's guard: a transaction under it had succeeded.

    ``evidence`` that none of the order's own did is needed where one of those may have.
    """

    evidence: ExpiryEvidence | None = None


@dataclass(frozen=True, slots=True)
class DiscardOrder:
    """An operator gives the order up; ``code`` says on what occasion."""

    code: Code = Code.DISCARDED


OrderCommand = (
    SubmitOrder
    | ObservePrice
    | RecordQuotes
    | FillOnPaper
    | RejectBuild
    | RecordBuilt
    | ReplaceSwap
    | RecordSent
    | RecordLanding
    | RestateOutcome
    | RecordExpiry
    | GiveUp
    | RequestCancel
    | ReleaseOrder
    | RecordOtherLeg
    | AmendOrder
    | RecordElsewhere
    | RecordClosedElsewhere
    | DiscardOrder
)
