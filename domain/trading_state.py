"""What an operator lets an account, a venue or the whole engine do, beside halts of the engine's own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal, get_args
from uuid import UUID

from domain.account import Trading, TradingResumed, trading
from domain.account_event import AccountEvent
from domain.errors import DomainError
from domain.tokens import Side

TradingState = Literal["active", "reducing", "halted"]
"""``reducing``: only sells, which turn a base token into its quote. ``halted``: no swap is built or sent."""

TRADING_STATES: tuple[TradingState, ...] = get_args(TradingState)
ENGINE = UUID("00000000-0000-7000-8000-000000000000")
"""Whose streams are those of the engine as a whole: what holds for every account."""


class TradingStateSet(AccountEvent):
    """An operator has set it, in the trading stream of an account, or of the engine: there for ``venue`` alone where
    one is named. ``cancel_live``: what was in flight is cancelled by the chain.
    """

    TOPIC = "account.TradingStateSet"

    state: TradingState
    because: str
    by: str
    venue: str | None = None
    cancel_live: bool = False


@dataclass(frozen=True, slots=True)
class Restriction:
    """``state`` is never ``active``."""

    state: TradingState
    because: str
    by: str

    def __str__(self) -> str:
        return f"{self.state} by {self.by}: {self.because}"

    def forbids(self, side: Side) -> bool:
        return self.state == "halted" or side == "buy"


@dataclass(frozen=True, slots=True)
class EngineTrading:
    """What is set for all accounts, as of ``version`` of the engine's trading stream; ``venues`` by name."""

    version: int = 0
    restriction: Restriction | None = None
    venues: dict[str, Restriction] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AccountTrading(Trading):
    """An account's trading with all that bears on it.

    ``log_version`` is the version of the trading stream that says of the log whether it was put back; None where that
    is the account's own. ``unreadable``: what is recorded of it can't be read, so that it may be ``behind``, and is.
    """

    restriction: Restriction | None = None
    engine: EngineTrading = field(default_factory=EngineTrading)
    log_version: int | None = None
    unreadable: bool = False

    @property
    def halted(self) -> bool:
        return self.state == "halted"

    @property
    def restrictions(self) -> tuple[Restriction, ...]:
        """What an operator has set, of the account and of the engine."""
        return tuple(one for one in (self.restriction, self.engine.restriction) if one)

    @property
    def state(self) -> TradingState:
        states = {one.state for one in self.restrictions}
        if self.reason is not None or "halted" in states:
            return "halted"
        return "reducing" if states else "active"

    @property
    def why(self) -> str | None:
        """Why it isn't ``active``; None where it is."""
        return self.reason or next((str(one) for one in self.restrictions if one.state == self.state), None)

    def held(self, so: str) -> DomainError:
        """Why nothing of the account may end or change while it is ``behind``; ``so`` ends the sentence of a log that
        was put back.
        """
        if self.unreadable:
            return DomainError("account_unreadable", f"Nothing was recorded: {self.reason}.")
        return DomainError("log_behind", f"The log was put back{so}")

    def forbids(self, side: Side) -> bool:
        """Whether no swap of an order on that side may be built."""
        return self.halted or any(one.forbids(side) for one in self.restrictions)

    def forbids_swap(self, side: Side, venue: str | None) -> bool:
        """Whether no swap on that side at ``venue`` may be sent; None where it isn't known which."""
        return self.forbids(side) or (venue or "").casefold() in self.refused_venues(side)

    def refused_venues(self, side: Side) -> frozenset[str]:
        """The venues, in lower case, that take no order on that side."""
        return frozenset(venue for venue, one in self.engine.venues.items() if one.forbids(side))


def account_trading(events: Iterable[AccountEvent]) -> AccountTrading:
    """The state after ``events`` of an account's trading stream, without what is set for all accounts."""
    events = list(events)
    restriction: Restriction | None = None
    for event in events:
        if isinstance(event, TradingResumed):
            restriction = None
        elif isinstance(event, TradingStateSet):
            restriction = _restriction(event)
    own = trading(events)
    return AccountTrading(own.version, own.reason, own.behind, restriction)


def unreadable_trading(version: int, fault: str) -> AccountTrading:
    """The state where the trading stream, at ``version`` now, can't be read: nothing is built and nothing ends."""
    return AccountTrading(version, f"the account's trading state can't be read: {fault}", behind=True, unreadable=True)


def engine_trading(events: Iterable[AccountEvent]) -> EngineTrading:
    """The state after ``events`` of the engine's trading stream."""
    state = EngineTrading()
    for event in events:
        state = replace(state, version=state.version + 1)
        if not isinstance(event, TradingStateSet):
            continue
        restriction = _restriction(event)
        if event.venue is None:
            state = replace(state, restriction=restriction)
        else:
            others = {venue: one for venue, one in state.venues.items() if venue != event.venue.casefold()}
            named = {event.venue.casefold(): restriction} if restriction else {}
            state = replace(state, venues=others | named)
    return state


def unreadable_engine(version: int, fault: str) -> EngineTrading:
    """The state where the engine's trading stream, at ``version`` now, can't be read: nobody trades."""
    return EngineTrading(version, Restriction("halted", f"what was set can't be read: {fault}", "the engine"))


def _restriction(event: TradingStateSet) -> Restriction | None:
    return None if event.state == "active" else Restriction(event.state, event.because, event.by)
