"""What happens to an account beside its orders: a contradiction between chain and log, trading that stops for it, and
what an operator decided of orders that were set aside.

A stream for each, so that a guard on trading isn't moved by what is only noted down.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Literal
from uuid import UUID, uuid5

from domain.account_event import AccountEvent
from domain.deadman_events import DeadmanFinished, DeadmanFired, DeadmanSet
from domain.log_behind import (
    ForeignReclaimFound,
    ForeignTransactionFound,
    LogFoundBehind,
    LogRecovered,
    WalletHistoryRead,
)
from domain.quotes import Recorded
from domain.reclaim_events import ReclaimBuilt, ReclaimExpired, ReclaimFailed, ReclaimLanded
from domain.twap_events import TWAP_EVENTS

Contradiction = Literal["second_success", "landed_after_end", "confirmed_lost", "guard_gone"]


@lru_cache(maxsize=1_024)  # asked for several times an order
def trading_stream(account_id: UUID) -> UUID:
    """The stream whose version every ``TransactionBuilt`` of the account guards on."""
    return uuid5(account_id, "trading")


def reconciliation_stream(account_id: UUID) -> UUID:
    return uuid5(account_id, "reconciliation")


def dead_letters_stream(account_id: UUID) -> UUID:
    return uuid5(account_id, "dead letters")


def guard_key_stream(account_id: UUID) -> UUID:
    return uuid5(account_id, "guard key")


def foreign_transactions_stream(account_id: UUID) -> UUID:
    return uuid5(account_id, "foreign transactions")


def foreign_reclaims_stream(account_id: UUID) -> UUID:
    return uuid5(account_id, "foreign reclaims")


class ContradictionFound(AccountEvent):
    """The chain shows what the log rules out. ``detail`` is for people; the attempt names the transaction."""

    TOPIC = "account.ContradictionFound"

    kind: Contradiction
    order_id: UUID
    attempt: int
    signature: str
    detail: str


class ConfirmationUpheld(AccountEvent):
    """A confirmed swap stands, on an operator's word: no node can show any more that it was finalized."""

    TOPIC = "account.ConfirmationUpheld"

    order_id: UUID
    attempt: int
    signature: str
    because: str


class TradingHalted(AccountEvent):
    """No transaction of the account is signed from here on. ``code`` is None for a contradiction."""

    TOPIC = "account.TradingHalted"

    reason: str
    code: Literal["log_behind"] | None = None


class TradingResumed(AccountEvent):
    """An operator has looked, and says why it may go on."""

    TOPIC = "account.TradingResumed"

    because: str


class GuardKeyBound(AccountEvent):
    """The account's guards are made from the key whose canary guard is ``canary``; recorded before that is made."""

    TOPIC = "account.GuardKeyBound"

    wallet: str
    authority: str
    canary: str


class CanaryMade(AccountEvent):
    """The canary guard is there, finalized: from now on a chain that doesn't show it is another, or lies."""

    TOPIC = "account.CanaryMade"

    canary: str


class RecordedDeadLetter(Recorded):
    """A dead letter: which processor set the order aside, at which version, for what kind of error, since when."""

    processor: str
    version: int
    error: str
    attempts: int
    since: datetime


class DeadLetterRetried(AccountEvent):
    """An operator has taken an order up again."""

    TOPIC = "account.DeadLetterRetried"

    order_id: UUID
    letters: tuple[RecordedDeadLetter, ...]
    by: str


class DeadLetterDiscarded(AccountEvent):
    """An operator has given an order up; where it could be read its ``OrderFailed`` is in the same append."""

    TOPIC = "account.DeadLetterDiscarded"

    order_id: UUID
    letters: tuple[RecordedDeadLetter, ...]
    by: str
    because: str


ACCOUNT_EVENTS: tuple[type[AccountEvent], ...] = (
    ContradictionFound,
    ConfirmationUpheld,
    TradingHalted,
    TradingResumed,
    LogFoundBehind,
    ForeignTransactionFound,
    ForeignReclaimFound,
    WalletHistoryRead,
    LogRecovered,
    DeadLetterRetried,
    DeadLetterDiscarded,
    GuardKeyBound,
    CanaryMade,
    ReclaimBuilt,
    ReclaimLanded,
    ReclaimFailed,
    ReclaimExpired,
    DeadmanSet,
    DeadmanFired,
    DeadmanFinished,
    *TWAP_EVENTS,
)


@dataclass(frozen=True, slots=True)
class Trading:
    """Whether the account trades, as of ``version`` of its trading stream; ``reason`` says why it doesn't.

    ``behind``: the log was put back, and nobody has resumed it yet.
    """

    version: int = 0
    reason: str | None = None
    behind: bool = False

    @property
    def halted(self) -> bool:
        return self.reason is not None


def trading(events: Iterable[AccountEvent]) -> Trading:
    """The state after ``events`` of a trading stream."""
    state = Trading()
    for event in events:
        if isinstance(event, TradingHalted):
            state = Trading(state.version + 1, event.reason, event.code == "log_behind" or state.behind)
        elif isinstance(event, TradingResumed):
            state = Trading(state.version + 1)
        else:
            state = Trading(state.version + 1, state.reason, state.behind)
    return state
