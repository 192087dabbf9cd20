"""What happens to an account beside its orders: a contradiction between chain and log, trading that stops for it, and
what an operator decided of orders that were set aside.

A stream for each, so that a guard on trading isn't moved by what is only noted down.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import ClassVar, Literal
from uuid import UUID, uuid5

from domain.events import Purpose
from domain.numbers import BaseUnits
from domain.quotes import Recorded

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


class AccountEvent(Recorded):
    """``secret`` names what never leaves the log."""

    TOPIC: ClassVar[str]
    VERSION: ClassVar[int] = 1
    secret: ClassVar[frozenset[str]] = frozenset()


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


class GuardToClose(Recorded):
    """A guard of a reclaim, and the orders that share it: ``lamports`` and ``tokens`` are its balances as they were
    read, what strangers paid in included.
    """

    guard: str
    order_ids: tuple[UUID, ...]
    lamports: BaseUnits
    tokens: BaseUnits = 0


class ReclaimBuilt(AccountEvent):
    """A reclaim is signed and durable, the first event of its stream: from here on it may land, and close all of
    ``guards`` or none. ``transaction`` is its bytes in base64. ``token_account`` takes the tokens that lie in guards.
    """

    TOPIC = "account.ReclaimBuilt"
    secret = frozenset({"transaction"})

    transaction: str
    signature: str
    wallet: str
    memo: str
    genesis_hash: str
    blockhash: str
    last_valid_block_height: int
    height: int
    guards: tuple[GuardToClose, ...]
    token_account: str | None = None


class ReclaimLanded(AccountEvent):
    """The reclaim succeeded, finalized: its guards are closed. ``lamports`` is what the wallet got back of them, its
    fee apart, ``tokens`` what strangers had paid in. ``slot`` is None where no node shows the transaction any more,
    only that the guards are gone: then the amounts are those that were read before.
    """

    TOPIC = "account.ReclaimLanded"

    signature: str
    slot: int | None
    lamports: BaseUnits
    tokens: BaseUnits
    fee_lamports: BaseUnits


class ReclaimFailed(AccountEvent):
    """The reclaim is on chain with an error, finalized: no guard was closed, and its fee is lost."""

    TOPIC = "account.ReclaimFailed"

    signature: str
    slot: int
    code: str
    detail: str
    fee_lamports: BaseUnits


class ReclaimExpired(AccountEvent):
    """The reclaim can never land: at a finalized ``height`` past its last one, a guard of it was still there."""

    TOPIC = "account.ReclaimExpired"

    signature: str
    height: int
    guard: str


class LogFoundBehind(AccountEvent):
    """The log was put back to an earlier moment: what the epoch before had after position ``ended_at`` is lost.

    ``epoch`` begins after that position. ``reason`` is a sentence; ``witnessed`` is the position of the witness it was
    held against, None where that could not be read.
    """

    TOPIC = "account.LogFoundBehind"

    reason: str
    epoch: int
    ended_at: int
    witnessed: int | None


class ForeignTransactionFound(AccountEvent):
    """A transaction on the chain, finalized, that names an order, is signed by the wallet, and is unknown to the log:
    of the log's lost end, or of another engine with the same wallet.

    ``paid`` and ``received`` are what the wallet lost and gained by it, by mint, in base units; neither fee nor rent is
    in them. A success makes the order's ``guard``: no other transaction of the order can succeed.
    """

    TOPIC = "account.ForeignTransactionFound"

    order_id: UUID
    attempt: int
    purpose: Purpose
    signature: str
    slot: int
    wallet: str
    genesis_hash: str
    failed: bool
    paid: dict[str, BaseUnits]
    received: dict[str, BaseUnits]
    fee_lamports: BaseUnits
    guard: str | None
    guard_rent_lamports: BaseUnits


class WalletHistoryRead(AccountEvent):
    """The wallet's finalized transactions up to ``height`` were compared with a log that was found behind in ``epoch``.

    By then what the log has lost had landed or could never land. ``executed`` orders were found that it didn't know
    the outcome of; ``endpoints`` were read, by their hosts.
    """

    TOPIC = "account.WalletHistoryRead"

    epoch: int
    wallet: str
    height: int
    endpoints: tuple[str, ...]
    executed: int


class LogRecovered(AccountEvent):
    """An operator has decided of every open order of a log that was found behind: to keep it or to cancel it."""

    TOPIC = "account.LogRecovered"

    epoch: int
    kept: tuple[UUID, ...]
    cancelled: tuple[UUID, ...]
    by: str
    because: str


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


def unrecovered(reconciliation: Iterable[AccountEvent]) -> LogFoundBehind | None:
    """What was found of a log that nobody has recovered yet; None where there is nothing to recover."""
    found: LogFoundBehind | None = None
    for event in reconciliation:
        if isinstance(event, LogFoundBehind):
            found = event
        elif isinstance(event, LogRecovered):
            found = None
    return found


def history_read(reconciliation: Iterable[AccountEvent]) -> WalletHistoryRead | None:
    """How the wallet's history was last read since the log was found behind; None where it wasn't."""
    read: WalletHistoryRead | None = None
    for event in reconciliation:
        if isinstance(event, LogFoundBehind):
            read = None
        elif isinstance(event, WalletHistoryRead):
            read = event
    return read
