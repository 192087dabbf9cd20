"""An order's state: everything a decision or a view needs of it. ``domain.evolve`` says how each event changes it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypeVar
from uuid import UUID

from pydantic import Field

from domain import events as e
from domain.codes import Code
from domain.evidence import BLOCKHASH_LIFE, Commitment
from domain.frozen import Frozen
from domain.legs import Leg
from domain.numbers import BaseUnits, Price, Total
from domain.quotes import Quote
from domain.terms import OrderTerms

T = TypeVar("T")
# A row of a read model that an earlier version wrote has no such field, and shall equal what is folded now.
IfSet = Annotated[T, Field(exclude_if=lambda value: not value)]

ENDS: frozenset[e.Status] = frozenset({"confirmed", "failed", "cancelled"})

AttemptEnd = Literal["rejected", "expired", "confirmed", "cancelled"]


class State(Frozen):
    """A part of an order's state."""


class Attempt(State):
    """One signed transaction. It is live until the log says that it landed, was rejected or can never land.

    ``quote`` is None of a cancel. ``priority_fee_lamports`` is the most that its priority may cost, ``tip_lamports``
    what it pays to landers where it succeeds. ``proven``: as many endpoints as it takes for an order to end have shown
    that it can never succeed. ``fee_lost_lamports`` is what it cost as a failure. ``amount_in`` is what it swaps where
    that isn't the order's any more, and the most that it pays where the order names its amount out.
    """

    number: int
    quote: IfSet[Quote | None] = None
    signature: str
    wallet: str
    genesis_hash: str
    # In no read model's row: rows of earlier versions have none. Who asks for it has the order from the log.
    blockhash: Annotated[str | None, Field(exclude=True)] = None
    blockhash_slot: int
    last_valid_block_height: int
    minimum_out: BaseUnits
    submitted: bool = False
    end: AttemptEnd | None = None
    guard: IfSet[str | None] = None
    height: IfSet[int | None] = None
    proven: IfSet[bool] = False
    purpose: Annotated[e.Purpose, Field(exclude_if=lambda purpose: purpose == "swap")] = "swap"
    compute_unit_price: IfSet[int] = 0
    priority_fee_lamports: IfSet[BaseUnits] = 0
    tip_lamports: IfSet[BaseUnits] = 0
    fee_lost_lamports: IfSet[BaseUnits] = 0
    amount_in: IfSet[BaseUnits | None] = None

    @property
    def venue(self) -> str | None:
        return self.quote.venue if self.quote else None

    @property
    def is_unproven(self) -> bool:
        """Whether it has ended, and one endpoint alone says that it never succeeds."""
        return self.end in ("rejected", "expired") and self.guard is not None and not self.proven

    @property
    def lands_until(self) -> int:
        """The last block height at which it may land, by what was said of its blockhash and of the chain's height."""
        return max(self.last_valid_block_height, (self.height or 0) + BLOCKHASH_LIFE)


class Route(State):
    chosen: Quote
    minimum_out: BaseUnits
    maximum_in: IfSet[BaseUnits | None] = None


class Fill(State):
    """What was executed, from the chain's own balances; the venue is unknown of what this log did not sign.

    ``by_operator``: from what a person said of it. ``shown_alone``: one endpoint of several shows it, which lets no
    order begin that follows in a list.
    """

    venue: str | None
    tx_hash: str
    slot: int
    commitment: Commitment
    amount_in: BaseUnits
    amount_out: BaseUnits
    executed_price: Price
    network_fee_lamports: Total
    venue_fee: BaseUnits | None
    venue_fee_token: str | None
    guard_rent_lamports: IfSet[BaseUnits | None] = None
    by_operator: IfSet[bool] = False
    tip_lamports: IfSet[BaseUnits] = 0
    account_rent_lamports: IfSet[BaseUnits] = 0
    shown_alone: IfSet[bool] = False


class PaperFill(State):
    """What a paper order was filled at: a quote. No chain knows of it, so it is never a ``Fill``."""

    venue: str
    amount_in: BaseUnits
    amount_out: BaseUnits
    executed_price: Price
    venue_fee: BaseUnits
    venue_fee_token: str


class Failure(State):
    code: str
    detail: str
    retryable: bool
    tx_hash: IfSet[str | None] = None


class Cancellation(State):
    """Why the order is to end without a swap: somebody asked for it, or its time was over while one might land.

    ``tx_hash`` is the cancel that ended it on chain, with what the order's transactions cost.
    """

    code: str
    by: str | None = None
    because: str | None = None
    tx_hash: str | None = None
    network_fee_lamports: Total = 0
    guard_rent_lamports: BaseUnits | None = None


class Rest(State):
    """How a limit order waits again; ``failures`` is how often in a row it could not be executed."""

    touch: Price
    armed_at: datetime | None
    failures: int


class Order(OrderTerms):
    """Its terms and everything else that a decision or a view needs of an order; never the signed bytes."""

    deadline: datetime | None
    network: str
    status: e.Status = "pending"
    stop_reached: bool = False
    best_touch: IfSet[Price | None] = None
    triggered_at: Price | None = None
    rejections: int = 0
    rest: Rest | None = None
    first_minimum_out: BaseUnits | None = None
    first_maximum_in: IfSet[BaseUnits | None] = None
    misquoted: IfSet[bool] = False
    route: Route | None = None
    attempts: tuple[Attempt, ...] = ()
    fees_lost_lamports: Total = 0
    obstacle: str | None = None
    fill: Fill | None = None
    failure: Failure | None = None
    cancellation: IfSet[Cancellation | None] = None
    paper: IfSet[bool] = False
    paper_fill: IfSet[PaperFill | None] = None
    leg: IfSet[Leg | None] = None
    released: IfSet[bool] = False
    parent_id: IfSet[UUID | None] = None

    @property
    def waits_for_price(self) -> bool:
        """Whether the order rests until a price is observed that it acts on."""
        return self.type != "market" and self.status == "pending" and not self.is_held

    @property
    def is_held(self) -> bool:
        """Whether it begins only once the first order of its list is filled, which that isn't yet."""
        return self.leg is not None and self.leg.follows_first and not self.released

    @property
    def minimum_out(self) -> int | None:
        """The least any attempt may accept, in base units: the amount out that is named, the limit's, or a market
        order's first minimum.
        """
        if self.amount_out is not None:
            return self.amount_out
        return self.first_minimum_out if self.limit_price is None else self.limit_minimum_out

    @property
    def maximum_in(self) -> int | None:
        """The most any attempt may pay, in base units: the amount in; where the order names its amount out the limit's,
        or a market order's first maximum.
        """
        if self.amount_out is None:
            return self.amount_in
        return self.first_maximum_in if self.limit_price is None else self.limit_maximum_in

    @property
    def ends_at(self) -> datetime | None:
        """When its time is over for good, as far as that is known; the deadline of an order that may rest only ends one
        try of it.
        """
        return min((at for at in (None if self.may_rest else self.deadline, self.expires_at) if at), default=None)

    @property
    def ended(self) -> bool:
        return self.status in ENDS

    @property
    def guard_taken_by(self) -> str | None:
        """The transaction that succeeded under the order's guard, as far as the log knows it, whoever signed it."""
        ends = (self.fill, self.failure, self.cancellation)
        return next((end.tx_hash for end in ends if end and end.tx_hash), None)

    @property
    def was_executed_elsewhere(self) -> bool:
        """Whether it failed because something under its guard succeeded elsewhere that isn't its swap by its terms."""
        return self.failure is not None and self.failure.code == Code.EXECUTED_ELSEWHERE

    @property
    def was_closed_elsewhere(self) -> bool:
        """Whether it ended because a reclaim of elsewhere closed its guard: what had made that nobody shows."""
        return self.was_executed_elsewhere and self.guard_taken_by is None

    @property
    def lets_others_begin(self) -> bool:
        """Whether it is filled as far as it takes for what follows it in its list: no single endpoint's word."""
        return self.status == "confirmed" and not (self.fill and self.fill.shown_alone)

    @property
    def is_finalized(self) -> bool:
        """Whether its swap was recorded as finalized, so that no fork can undo it."""
        return self.fill is not None and self.fill.commitment == "finalized"

    @property
    def is_settled(self) -> bool:
        """Whether the chain itself has shown the swap to be final: an operator's word may be wrong."""
        return self.fill is not None and self.is_finalized and not self.fill.by_operator

    @property
    def live_attempts(self) -> tuple[Attempt, ...]:
        """The attempts that may still land, the oldest first. One of them at most succeeds: they share the guard."""
        return tuple(attempt for attempt in self.attempts if attempt.end is None)

    @property
    def live_attempt(self) -> Attempt | None:
        """The newest attempt that may still land, if there is one."""
        return next((attempt for attempt in reversed(self.attempts) if attempt.end is None), None)

    @property
    def guard_taker(self) -> Attempt | None:
        """The attempt that succeeded: the order's swap, or its cancel. None where another log signed that, too."""
        return next((attempt for attempt in self.attempts if attempt.end in ("confirmed", "cancelled")), None)

    @property
    def guard(self) -> str | None:
        """The guard that every transaction of the order makes first; None before the first."""
        return next((attempt.guard for attempt in reversed(self.attempts) if attempt.guard), None)

    @property
    def unproven_attempt(self) -> Attempt | None:
        """The newest attempt that one endpoint alone says never succeeds: the order may go on, and not end.

        Attempts without a guard were ended by what counted as proof for them.
        """
        return next((attempt for attempt in reversed(self.attempts) if attempt.is_unproven), None)

    @property
    def is_taken_elsewhere(self) -> bool:
        """Whether the chain showed its guard though nothing was signed for it here: another log or engine executed it
        or had it cancelled, or an order that shares the guard was faster. Until it is known which, it doesn't end.
        """
        return self.obstacle == Code.GUARD_TAKEN and not self.attempts

    @property
    def undecided_attempts(self) -> tuple[Attempt, ...]:
        """The attempts of which it isn't proven that they never succeed: the live ones, and that."""
        unproven = self.unproven_attempt
        return (*self.live_attempts, *([unproven] if unproven else []))

    def fees_lost_beside(self, attempt: Attempt) -> int:
        """What the order's other attempts cost as failures, in lamports: ``attempt`` succeeded, whatever was said."""
        return self.fees_lost_lamports - attempt.fee_lost_lamports

    def amount_of(self, attempt: Attempt) -> int:
        """What ``attempt`` was signed to swap, or at most, in base units of the token in."""
        return self.amount_in if attempt.amount_in is None else attempt.amount_in

    def attempt(self, number: int) -> Attempt | None:
        return self.attempts[number - 1] if 0 < number <= len(self.attempts) else None
