"""What is recorded of accounts and keys, and of what an operator lets trade."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from commands.halting import Scope
from domain.account import trading_stream
from domain.limits import Limits
from domain.trading_state import ENGINE
from tests.chaos.node import FaultyNode
from tests.golden.runs import history
from tests.integration.workers.harness import EngineHarness


@history
async def account_with_keys_and_limits(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """An account is opened, gets its wallet, limits and two keys, one of which is revoked."""
    directory = engine.store.directory
    desk = (await directory.open("desk", None, by="me@here")).account_id
    await directory.bind_wallet(desk, "3HSiLyrDSyoP5JEVkLukiFbkv3ojcFoU91wdpUwyjYsp", by="surefill")
    limits = Limits(
        max_order_notional=Decimal("10000"),
        max_open_orders=50,
        max_daily_notional=Decimal("100000.5"),
        orders_per_minute=600,
        pairs=("SOL/USDC",),
        venues=("Orca",),
        price_band_bps=500,
    )
    await directory.set_limits(desk, dict(limits), by="me@here")
    await directory.set_limits(desk, {"venues": None}, by="me@here")
    first = await directory.issue(desk, ("read", "trade"), datetime(2100, 1, 1, tzinfo=UTC), by="me@here")
    second = await directory.issue(desk, ("admin",), None, by="me@here")
    await directory.revoke(first.key_id, by="me@here")
    return [desk, first.key_id, second.key_id]


@history
async def trading_states(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """The engine is halted and resumed, a venue halted, an account let reduce."""
    halting = engine.store.halting
    account_id = (await engine.store.directory.open("desk", None, by="me@here")).account_id
    await halting.set(Scope(), "halted", by="me@here", because="prices look wrong", cancel_live=True)
    await halting.set(Scope(venue="Orca"), "halted", by="me@here", because="its pool is thin")
    await halting.set(Scope(), "active", by="me@here", because="they were right")
    await halting.set(Scope(account_id=account_id), "reducing", by="key 1", because="it is closing")
    return [trading_stream(ENGINE), trading_stream(account_id)]
