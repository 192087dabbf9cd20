"""Whether an account trades, as a process remembers it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import cast
from uuid import UUID

from commands.accounts import Accounts
from commands.ids import DEFAULT_ACCOUNT
from commands.trading import TradingStates
from domain.account import trading_stream
from domain.trading_state import ENGINE, AccountTrading, EngineTrading, Restriction
from event_store.types import PositionedEvent

ACCOUNT = DEFAULT_ACCOUNT


class Log:
    """Answers with one state after the other, the last one for ever."""

    def __init__(self, *states: AccountTrading) -> None:
        self._states = list(states)
        self.read = self.engine_read = 0
        self.engine = EngineTrading()
        self.during_read: Callable[[], None] = lambda: None

    async def engine_trading(self) -> EngineTrading:
        self.engine_read += 1
        engine = self.engine
        self.during_read()
        return engine

    async def trading(self, account_id: UUID) -> AccountTrading:
        self.read += 1
        await asyncio.sleep(0)
        return self._states.pop(0) if len(self._states) > 1 else self._states[0]


def states(log: Log) -> TradingStates:
    return TradingStates(cast(Accounts, log))


async def test_an_account_that_trades_is_read_once_and_again_once_it_is_forgotten():
    log = Log(AccountTrading(version=0))
    known = states(log)
    for _ in range(3):
        assert not (await known.of(ACCOUNT)).halted
    assert log.read == 1
    known.forget(ACCOUNT)
    await known.of(ACCOUNT)
    assert log.read == 2


async def test_while_venues_alone_are_halted_nothing_is_read_again():
    log = Log(AccountTrading(version=0))
    halted = Restriction("halted", "the test", "test")
    log.engine = EngineTrading(version=1, venues={"orca": halted})
    known = states(log)
    for _ in range(3):
        assert (await known.of(ACCOUNT)).refused_venues("sell") == {"orca"}
    assert (log.read, log.engine_read) == (1, 1)


async def test_a_halt_that_ended_unheard_of_is_not_remembered():
    known = states(Log(AccountTrading(version=1, reason="second_success"), AccountTrading(version=2)))
    assert (await known.of(ACCOUNT)).halted
    assert not (await known.of(ACCOUNT)).halted


async def test_a_venue_halt_that_ends_while_it_is_read_is_not_remembered():
    log = Log(AccountTrading(version=0))
    log.engine = EngineTrading(version=1, venues={"orca": Restriction("halted", "the test", "test")})
    known = states(log)
    changed = cast(PositionedEvent, SimpleNamespace(stream_id=trading_stream(ENGINE)))
    log.during_read = lambda: known.follow([changed])
    assert (await known.of(ACCOUNT)).refused_venues("sell")
    log.engine = EngineTrading(version=2)
    assert not (await known.of(ACCOUNT)).refused_venues("sell")


async def test_who_asks_at_the_same_time_shares_one_read():
    log = Log(AccountTrading(version=0))
    known = states(log)
    await asyncio.gather(*(known.of(ACCOUNT) for _ in range(200)))
    assert (log.read, log.engine_read) == (1, 1)


async def test_who_asks_after_a_guard_failed_shares_no_read_that_began_before():
    log = Log(AccountTrading(version=0), AccountTrading(version=1, reason="second_success"))
    known = states(log)
    first = asyncio.create_task(known.of(ACCOUNT))
    await asyncio.sleep(0)
    known.forget(ACCOUNT)
    assert (await known.of(ACCOUNT)).halted
    assert not (await first).halted
