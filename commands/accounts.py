"""Halt, resume, a log that was put back, and what is to be reconciled: the account's own streams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeGuard
from uuid import UUID, uuid4

from pydantic import BaseModel

from commands.errors import TooManyConflictsError, UnreadableAccountError
from commands.ids import DEFAULT_ACCOUNT, now, uuid7
from commands.orders import MOST_CONFLICTS, Guards
from domain.account import (
    ConfirmationUpheld,
    ContradictionFound,
    TradingHalted,
    TradingResumed,
    reconciliation_stream,
    trading_stream,
)
from domain.account_event import AccountEvent
from domain.epochs import Epochs, epochs
from domain.errors import DomainError
from domain.log_behind import LogFoundBehind, LogRecovered, WalletHistoryRead, history_read, unrecovered
from domain.trading_state import (
    ENGINE,
    AccountTrading,
    EngineTrading,
    account_trading,
    engine_trading,
    unreadable_engine,
    unreadable_trading,
)
from event_store.append.appender import Appender
from event_store.errors import LeaseLostError, UnreadableEventError
from event_store.mapper import EventMapper
from event_store.read.log import Log
from event_store.types import AppendRequest, Conflict, LeaseLost, NewEvent, RecordedEvent

FinalityTold = Literal["stands", "lost"]
"""What is recorded of a confirmed swap of which no node can show any more whether it became final."""


@dataclass(frozen=True, slots=True)
class Behind:
    """Why the log counts as put back, a sentence; the last position of it that is sure; ``epoch`` and position of the
    witness, where they could be read.
    """

    reason: str
    ended_at: int
    epoch: int | None = None
    witnessed: int | None = None


class Accounts:
    """The command side's access to account streams."""

    def __init__(self, log: Log, appender: Appender, mapper: EventMapper) -> None:
        self._log = log
        self._appender = appender
        self._mapper = mapper

    async def trading(self, account_id: UUID) -> AccountTrading:
        """Whether the account trades now, by itself, and the version to guard on.

        Where that can't be read it doesn't, and nothing of it ends: nobody here knows what was set.
        """
        recorded = await self._log.load(trading_stream(account_id))
        try:
            return account_trading(self._read(recorded))
        except UnreadableEventError as unreadable:
            return unreadable_trading(recorded[-1].version, str(unreadable))

    async def engine_trading(self) -> EngineTrading:
        """What is set for all accounts; a halt where that can't be read."""
        recorded = await self._log.load(trading_stream(ENGINE))
        try:
            return engine_trading(self._read(recorded))
        except UnreadableEventError as unreadable:
            return unreadable_engine(recorded[-1].version, str(unreadable))

    async def contradictions(self, account_id: UUID) -> list[ContradictionFound]:
        events = await self._events(reconciliation_stream(account_id))
        return [event for event in events if isinstance(event, ContradictionFound)]

    async def contradict(self, account_id: UUID, found: ContradictionFound, *, guards: Guards = ()) -> bool:
        """Record the contradiction and halt the account, in one request; False where it was recorded before."""
        for _ in range(MOST_CONFLICTS):
            known = await self._events(reconciliation_stream(account_id))
            contradictions = (event for event in known if isinstance(event, ContradictionFound))
            if any((before.kind, before.signature) == (found.kind, found.signature) for before in contradictions):
                return False
            state = await self.trading(account_id)
            writes: list[tuple[UUID, int, AccountEvent]] = [(reconciliation_stream(account_id), len(known) + 1, found)]
            if state.reason is None:
                reason = f"{found.kind} of order {found.order_id}, attempt {found.attempt}"
                writes.append((trading_stream(account_id), state.version + 1, TradingHalted(reason=reason)))
            if await self._append(account_id, writes, guards):
                return True
        raise TooManyConflictsError(str(account_id))

    async def uphold(self, account_id: UUID, upheld: ConfirmationUpheld) -> bool:
        """Record that a confirmed swap stands; False where it was said before of it that it stands, or was lost."""
        for _ in range(MOST_CONFLICTS):
            known = await self._events(reconciliation_stream(account_id))
            if _finality_told(known, upheld.signature):
                return False
            if await self._append(account_id, [(reconciliation_stream(account_id), len(known) + 1, upheld)], ()):
                return True
        raise TooManyConflictsError(str(account_id))

    async def finality_told(self, account_id: UUID, signature: str) -> FinalityTold | None:
        """What is recorded of a confirmed swap whose finality no node shows; None where nothing is."""
        return _finality_told(await self._events(reconciliation_stream(account_id)), signature)

    async def resume(self, account_id: UUID, because: str) -> None:
        """Let the account trade again. Raises ``DomainError``: ``not_halted``, ``log_behind``, ``account_unreadable``.

        What is set for the engine as a whole, or halts another account, stays.
        """
        for _ in range(MOST_CONFLICTS):
            # A log that was put back halts all: it is recorded of the default account.
            if await self.unrecovered(DEFAULT_ACCOUNT):
                raise DomainError("log_behind", "The log was put back: run surefill recover first.")
            state = await self.trading(account_id)
            if state.unreadable:
                raise state.held("")
            if state.state == "active":
                raise DomainError("not_halted", "The account itself isn't halted; there is nothing to resume.")
            resumed = TradingResumed(because=because)
            if await self._append(account_id, [(trading_stream(account_id), state.version + 1, resumed)], ()):
                return
        raise TooManyConflictsError(str(account_id))

    async def epochs(self, account_id: UUID) -> Epochs:
        """Every epoch the log has had."""
        recorded = await self._log.load(reconciliation_stream(account_id))
        found_at = [event.position for event in recorded if event.topic == LogFoundBehind.TOPIC]
        return replace(epochs(self._read(recorded)), found_at=max(found_at, default=0))

    async def unrecovered(self, account_id: UUID) -> LogFoundBehind | None:
        """What was found of a log that nobody has recovered yet."""
        return unrecovered(await self._events(reconciliation_stream(account_id)))

    async def found_behind(self, account_id: UUID, behind: Behind) -> bool:
        """Begin an epoch and halt the account, in one request; False where nobody has recovered the log since it was
        found behind before, unless the witness has seen that somebody has: then it was put back once more.
        """
        for _ in range(MOST_CONFLICTS):
            known = await self._events(reconciliation_stream(account_id))
            before = unrecovered(known)
            if before and (behind.epoch is None or behind.epoch < before.epoch):
                return False
            state = await self.trading(account_id)
            found = LogFoundBehind(
                reason=behind.reason,
                # Above the lost log's: its positions were given out, too.
                epoch=max(epochs(known).current + 1, _epoch_after(behind.epoch)),
                ended_at=behind.ended_at,
                witnessed=behind.witnessed,
            )
            halted = TradingHalted(reason=behind.reason, code="log_behind")
            writes = [
                (reconciliation_stream(account_id), len(known) + 1, found),
                (trading_stream(account_id), state.version + 1, halted),
            ]
            if await self._append(account_id, writes, ()):
                return True
        raise TooManyConflictsError(str(account_id))

    async def history_read(self, account_id: UUID) -> WalletHistoryRead | None:
        """How the wallet's history was read since the log was found behind; None where it wasn't."""
        return history_read(await self._events(reconciliation_stream(account_id)))

    async def record_history_read(self, account_id: UUID, read: WalletHistoryRead) -> None:
        """Record how far the wallet's history was compared with the log."""
        for _ in range(MOST_CONFLICTS):
            known = await self._events(reconciliation_stream(account_id))
            if await self._append(account_id, [(reconciliation_stream(account_id), len(known) + 1, read)], ()):
                return
        raise TooManyConflictsError(str(account_id))

    async def recover(
        self, account_id: UUID, *, kept: Sequence[UUID], cancelled: Sequence[UUID], by: str, because: str
    ) -> LogRecovered:
        """Record what an operator has decided of the open orders. Raises ``DomainError("not_behind")``."""
        for _ in range(MOST_CONFLICTS):
            known = await self._events(reconciliation_stream(account_id))
            found = unrecovered(known)
            if found is None:
                raise DomainError("not_behind", "The log is not known to be behind; there is nothing to recover.")
            recovered = LogRecovered(
                epoch=found.epoch, kept=tuple(kept), cancelled=tuple(cancelled), by=by, because=because
            )
            if await self._append(account_id, [(reconciliation_stream(account_id), len(known) + 1, recovered)], ()):
                return recovered
        raise TooManyConflictsError(str(account_id))

    async def _events(self, stream_id: UUID) -> list[AccountEvent]:
        return self._read(await self._log.load(stream_id))

    def _read(self, recorded: Sequence[RecordedEvent]) -> list[AccountEvent]:
        return account_events(self._mapper, recorded)

    async def _append(self, account_id: UUID, writes: Sequence[tuple[UUID, int, AccountEvent]], guards: Guards) -> bool:
        """Whether it was stored; False for a conflict."""
        command_id = uuid4()
        new = [account_event(self._mapper, account_id, command_id, *write) for write in writes]
        outcome = await self._appender.append(AppendRequest(tuple(new), guards))
        if isinstance(outcome, LeaseLost):
            raise LeaseLostError(outcome.processor)
        return not isinstance(outcome, Conflict)


def _epoch_after(lost: int | None) -> int:
    """Where it isn't known which epoch the lost log had come to, the minutes since 1970: none has begun as many."""
    return int(now().timestamp()) // 60 if lost is None else lost + 1


def _finality_told(reconciliation: Sequence[AccountEvent], signature: str) -> FinalityTold | None:
    for event in reconciliation:
        if isinstance(event, ConfirmationUpheld) and event.signature == signature:
            return "stands"
        if isinstance(event, ContradictionFound) and (event.kind, event.signature) == ("confirmed_lost", signature):
            return "lost"
    return None


def account_events(mapper: EventMapper, recorded: Sequence[RecordedEvent]) -> list[AccountEvent]:
    """What was recorded, without what isn't an account's. Raises ``UnreadableAccountError`` at the first that can't be
    read: nothing may be decided on its stream.
    """
    try:
        events = [mapper.read(one, _is_event) for one in recorded]
    except UnreadableEventError as unreadable:
        raise UnreadableAccountError(unreadable) from None
    return [event for event in events if isinstance(event, AccountEvent)]


def _is_event(event: object) -> TypeGuard[BaseModel]:
    return isinstance(event, BaseModel)


def account_event(
    mapper: EventMapper, account_id: UUID, command_id: UUID, stream_id: UUID, version: int, event: AccountEvent
) -> NewEvent:
    """``event`` as version ``version`` of one of the account's streams."""
    topic, state = mapper.dump(event)
    return NewEvent(
        stream_id=stream_id,
        version=version,
        event_id=uuid7(),
        topic=topic,
        state=state,
        account_id=account_id,
        command_id=command_id,
        correlation_id=command_id,
        causation_id=None,
    )
