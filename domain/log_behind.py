"""A log that was put back to an earlier moment: how it is found, what the chain shows of its lost end, and how an
operator takes it up again.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Annotated
from uuid import UUID

from pydantic import Field

from domain.account_event import AccountEvent
from domain.events import Purpose
from domain.numbers import BaseUnits


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

    ``paid`` and ``received`` are what the wallet lost and gained by it, by mint, in base units; neither fee, rent nor
    tip is in them. A success makes the order's ``guard``: no other transaction of the order can succeed.
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
    tip_lamports: Annotated[BaseUnits, Field(exclude_if=operator.not_)] = 0


class ForeignReclaimFound(AccountEvent):
    """A reclaim on the chain, finalized, that is signed by the wallet and unknown to the log, as above. ``guards`` are
    closed by it, none where it failed; ``received`` is what came back, by mint, in base units, its fee apart.
    """

    TOPIC = "account.ForeignReclaimFound"

    reclaim_id: UUID
    signature: str
    slot: int
    wallet: str
    genesis_hash: str
    failed: bool
    guards: tuple[str, ...]
    received: dict[str, BaseUnits]
    fee_lamports: BaseUnits


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


def unrecovered(reconciliation: Iterable[AccountEvent]) -> LogFoundBehind | None:
    """What was found last of a log that nobody has recovered yet; None where there is nothing to recover."""
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
