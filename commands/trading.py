"""Whether accounts trade, as this process knows it: read once, and again after each event that changes it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

from commands.accounts import Accounts
from commands.history_compared import Compared, NothingToCompare
from commands.ids import DEFAULT_ACCOUNT
from domain.account import trading_stream
from domain.trading_state import ENGINE, AccountTrading, EngineTrading
from event_store.types import PositionedEvent, StreamGuard

_ENGINE_STREAM = trading_stream(ENGINE)
State = TypeVar("State", AccountTrading, EngineTrading)


class TradingStates:
    """``follow`` is to be told of every event of the log from some position on.

    What is known may be behind: whoever signs guards on its versions, and forgets it where a guard fails. Whoever asks
    at the same time shares one read: hundreds of orders may begin at once. ``compared`` says whether what the log may
    have lost is known: a process that goes on sets it as it begins.
    """

    def __init__(self, accounts: Accounts) -> None:
        self.compared: Compared = NothingToCompare()
        self._accounts = accounts
        self._known: dict[UUID, AccountTrading] = {}
        self._engine: EngineTrading | None = None
        self._engine_changes = 0
        self._reading: dict[UUID, asyncio.Task[Any]] = {}

    async def of(self, account_id: UUID) -> AccountTrading:
        """The account's own state, with what is set for all."""
        own = await self._own(account_id)
        log_version = None
        if account_id != DEFAULT_ACCOUNT:
            # A log that was put back halts all: it is recorded of the default account.
            log = await self._own(DEFAULT_ACCOUNT)
            log_version = log.version
            if log.behind and not own.behind:
                own = replace(own, reason=own.reason or log.reason, behind=True, unreadable=log.unreadable)
        engine = await self._of_engine()
        if log_version is None and engine.version == 0:
            return own
        return replace(own, engine=engine, log_version=log_version)

    def guards(self, account_id: UUID, trading: AccountTrading) -> tuple[StreamGuard, ...]:
        """Hold while ``trading`` is how the account trades."""
        own = StreamGuard(trading_stream(account_id), trading.version)
        engine = StreamGuard(_ENGINE_STREAM, trading.engine.version)
        if trading.log_version is None:
            return own, engine
        return own, engine, StreamGuard(trading_stream(DEFAULT_ACCOUNT), trading.log_version)

    def forget(self, account_id: UUID) -> None:
        for stream_id in (trading_stream(account_id), trading_stream(DEFAULT_ACCOUNT)):
            self._known.pop(stream_id, None)
            self._reading.pop(stream_id, None)
        self._engine = None
        self._reading.pop(_ENGINE_STREAM, None)

    def follow(self, events: Sequence[PositionedEvent]) -> None:
        # Few accounts are known, and nearly every event is an order's.
        changed = {event.stream_id.int for event in events}
        # Who asks from now on gets a read that began after the change.
        for stream_id in [reading for reading in self._reading if reading.int in changed]:
            del self._reading[stream_id]
        for stream_id in [known for known in self._known if known.int in changed]:
            del self._known[stream_id]
        if _ENGINE_STREAM.int in changed:
            self._engine = None
            self._engine_changes += 1

    async def _own(self, account_id: UUID) -> AccountTrading:
        stream_id = trading_stream(account_id)
        known = self._known.get(stream_id)
        # A halt is read each time: who takes one for granted appends nothing, so no guard would show that it is over.
        if known is None or known.state != "active":
            known = await self._shared(stream_id, lambda: self._accounts.trading(account_id))
            self._known[stream_id] = known
        return known

    async def _of_engine(self) -> EngineTrading:
        known = self._engine
        # As above. Where venues alone are halted others are traded at, and a guard shows what has changed.
        if known is None or known.restriction:
            changes = self._engine_changes
            known = await self._shared(_ENGINE_STREAM, self._accounts.engine_trading)
            # A change that was heard of during the read may be missing from it, and isn't heard of again.
            self._engine = known if changes == self._engine_changes else None
        return known

    async def _shared(self, stream_id: UUID, read: Callable[[], Coroutine[Any, Any, State]]) -> State:
        """What ``read`` says, read once for all who ask meanwhile; one who is cancelled doesn't cancel it for them."""
        task: asyncio.Task[State] | None = self._reading.get(stream_id)
        if task is None:
            task = self._reading[stream_id] = asyncio.create_task(read())
            task.add_done_callback(lambda done: self._has_read(stream_id, done))
        return await asyncio.shield(task)

    def _has_read(self, stream_id: UUID, done: asyncio.Task[Any]) -> None:
        if self._reading.get(stream_id) is done:
            del self._reading[stream_id]
        # Marks an error as seen: each waiter raises it, and there may be none left.
        _ = done.cancelled() or done.exception()
