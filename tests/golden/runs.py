"""What every recorded run shares: its name, its pace, its orders."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.account import ACCOUNT_EVENTS
from domain.directory_events import DIRECTORY_EVENTS
from domain.events import ORDER_EVENTS
from domain.order import Order
from domain.tokens import SOL, USDC
from domain.trading_state import TradingStateSet
from event_store.mapper import EventMapper
from localnet.market.price import move
from tests.chaos.node import FaultyNode
from tests.integration.workers.harness import EngineHarness
from workers.tracker.tracker import Pace

QUICK = Pace(poll=0.02, poll_ended=0.05, rebroadcast=0.2, first_send=0.2, heights=0.05, proof=0.1, rows=0.5)
SENDS_NOTHING = replace(QUICK, rebroadcast=999, first_send=999)
PAST_ITS_LIFE = 200  # blocks
MAPPER = EventMapper((*ORDER_EVENTS, *ACCOUNT_EVENTS, *DIRECTORY_EVENTS, TradingStateSet))
BUY: dict[str, Any] = {"token_in": USDC, "token_out": SOL, "amount_in": 75 * 10**6}
LIMIT: dict[str, Any] = {"type": "limit", "amount_in": 10**9}
STOP: dict[str, Any] = {"type": "stop-limit", "amount_in": 10**9}

Run = Callable[[EngineHarness, FaultyNode], Coroutine[Any, Any, Sequence[UUID]]]
RUNS: dict[str, Run] = {}


def history(run: Run) -> Run:
    """Its name is the file's, its docstring what the file is about; it returns the streams to keep."""
    RUNS[run.__name__] = run
    return run


def execute(engine: EngineHarness) -> None:
    engine.start_projector()
    engine.start_sweeper()
    engine.start_worker()
    engine.start_tracker(QUICK)


async def price(engine: EngineHarness, to: str) -> None:
    await move(engine.rpc_url, engine.market_key, "SOL/USDC", Decimal(to))


def is_ended(order: Order) -> bool:
    return order.ended
