"""An order's state: everything a decision or a view needs of it. ``domain.evolve`` says how each event changes it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from domain import events as e
from domain.evidence import Commitment
from domain.numbers import BaseUnits, Price
from domain.quotes import Quote
from domain.terms import OrderTerms

AttemptEnd = Literal["rejected", "expired", "confirmed"]


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
    end: AttemptEnd | None = None


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


class Order(OrderTerms):
    """Its terms and everything else that a decision or a view needs of an order; never the signed bytes."""

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
    def waits_for_price(self) -> bool:
        """Whether the order rests until a price is observed that it acts on."""
        return self.type != "market" and self.status == "pending"

    @property
    def minimum_out(self) -> int | None:
        """The least any attempt may accept, in base units: the limit's, or a market order's first minimum."""
        return self.first_minimum_out if self.limit_price is None else self.limit_minimum_out

    @property
    def ended(self) -> bool:
        return self.status in ("confirmed", "failed")

    @property
    def is_finalized(self) -> bool:
        """Whether its swap was recorded as finalized, so that no fork can undo it."""
        return self.fill is not None and self.fill.commitment == "finalized"

    @property
    def live_attempt(self) -> Attempt | None:
        """The attempt that may still land, if there is one; there is never more than one."""
        last = self.attempts[-1] if self.attempts else None
        return last if last and last.end is None else None

    def attempt(self, number: int) -> Attempt | None:
        return self.attempts[number - 1] if 0 < number <= len(self.attempts) else None
