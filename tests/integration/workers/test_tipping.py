"""Orders that are handed to landers who ask for a tip: one lands them, one swallows them, and the order is the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from solders.keypair import Keypair
from solders.signature import Signature

from chains.landed_shares import LANDED_SECONDS, OUTCOMES
from chains.landers import HANDED_OVER, REST_S
from chains.wallet_history import WalletHistory
from commands.cancel import cancel_order
from domain.commands import RecordSent
from domain.order import Order
from domain.tokens import SOL, USDC
from runtime.roles import landers as landers_role
from runtime.settings import Settings
from tests.integration.conftest import TestDatabase
from tests.integration.embedded import EmbeddedValkey
from tests.integration.workers.conftest import running_engine
from tests.integration.workers.harness import EngineHarness
from tests.integration.workers.test_execution import QUICK
from tests.stubs.landers import LanderStub, jito_stub, landers, sender_stub

JITO_TIP, SENDER_TIP = 10_000, 1_000_000
TIPPED = JITO_TIP + SENDER_TIP
FUNDS = 10**9


@dataclass
class Landing:
    engine: EngineHarness
    jito: LanderStub
    sender: LanderStub

    async def paid(self, stub: LanderStub) -> int:
        """What came into the lander's accounts, in lamports."""
        held = await asyncio.gather(*(self.engine.chain.lamports(account) for account in stub.accounts))
        return sum(held) - FUNDS * len(held)

    async def executed(self, count: int = 1) -> list[Order]:
        """So many orders at once, each to its end."""
        ids = await asyncio.gather(*(self.engine.submit() for _ in range(count)))
        await self.engine.execute(*ids)
        return [await self.engine.until(one, lambda order: order.ended, within=30) for one in ids]


@pytest.fixture
async def landing(
    database: TestDatabase, valkey: EmbeddedValkey, rpc_url: str, chain_timeout: float, tmp_path: Path
) -> AsyncIterator[Landing]:
    """An engine whose swaps tip two landers, from whose stubs they come to the local chain."""
    engines, senders = _accounts(2), _accounts(3)
    jito, sender = jito_stub(engines, rpc_url), sender_stub(senders, rpc_url)
    async with landers(jito, sender):
        settings = Settings(
            database_url=database.app,
            redis_url=valkey.url,
            solana_rpc_url=rpc_url,
            data_dir=tmp_path,
            jito_url=jito.url,
            jito_tip_accounts=engines,
            sender_url=sender.url,
            sender_tip_accounts=senders,
        )
        async with running_engine(settings, chain_timeout) as engine:
            await _fund(rpc_url, (*engines, *senders))
            counting = asyncio.create_task(landers_role.run(engine._parts))
            engine.start_tracker(QUICK)
            yield Landing(engine, jito, sender)
            counting.cancel()
            await asyncio.gather(counting, return_exceptions=True)


async def test_each_lander_gets_the_same_bytes_in_its_own_shape_and_the_order_tips_each_once(landing: Landing) -> None:
    [order] = await landing.executed()
    assert order.status == "confirmed"
    async with asyncio.timeout(10):
        while not (landing.jito.taken and landing.sender.taken):
            await asyncio.sleep(0.02)
    assert landing.jito.taken[0][0] == landing.sender.taken[0][0]
    assert landing.jito.refused == landing.sender.refused == []
    assert (await landing.paid(landing.jito), await landing.paid(landing.sender)) == (JITO_TIP, SENDER_TIP)
    assert order.fill and (order.fill.tip_lamports, order.attempts[0].tip_lamports) == (TIPPED, TIPPED)
    # The price for priority that a sender asks for, of an order that is alone.
    assert order.attempts[0].compute_unit_price > 0
    assert order.fill.network_fee_lamports == 5_000 + order.attempts[0].priority_fee_lamports


async def test_what_is_read_from_the_chain_knows_the_tip_by_itself(landing: Landing) -> None:
    """A log that lost the order has nothing but the transaction."""
    [order] = await landing.executed()
    assert order.fill
    async with WalletHistory(landing.engine.rpc_url) as history:
        movement = await history.movement(order.fill.tx_hash, landing.engine.wallet.address)
    assert movement
    assert movement.tip_lamports == TIPPED
    assert movement.gained == {SOL.mint: -order.fill.amount_in, USDC.mint: order.fill.amount_out}


@pytest.mark.parametrize("how", ["swallows", "busy", "page"])
async def test_a_lander_that_takes_nothing_changes_no_order_and_its_share_says_so(landing: Landing, how: str) -> None:
    landing.sender.answers = how
    before = {name: _figures(name) for name in _names(landing)}
    orders = await landing.executed(8)
    assert {order.status for order in orders} == {"confirmed"}
    assert all(len(order.attempts) == 1 for order in orders)
    after = await _counted(landing, before, 8)
    jito, sender = (after[name] - before[name] for name in _names(landing))
    assert (jito.landed, jito.timed, sender.landed, sender.timed) == (8, 8, 0, 0)
    assert sender.landed_without == 8


async def test_one_that_pretends_is_no_evidence_and_the_order_lands_by_the_others(landing: Landing) -> None:
    landing.sender.answers = landing.jito.answers = "pretends"
    [order] = await landing.executed()
    assert order.status == "confirmed"


async def test_one_that_is_asked_too_often_is_left_alone_for_a_moment(landing: Landing) -> None:
    landing.jito.answers = "busy"
    name = urlsplit(landing.jito.url).netloc
    await landing.executed()
    async with asyncio.timeout(10):
        while not HANDED_OVER.labels(name, "rate_limited")._value.get():
            await asyncio.sleep(0.02)
    passed = HANDED_OVER.labels(name, "passed_over")._value.get()
    await landing.executed()
    assert HANDED_OVER.labels(name, "passed_over")._value.get() > passed
    await asyncio.sleep(REST_S)
    landing.jito.answers = "lands"
    await landing.executed()
    assert landing.jito.taken


async def test_a_cancel_carries_no_tip_and_no_lander_that_asks_for_one_gets_it(landing: Landing) -> None:
    engine = landing.engine
    await engine.stop()
    order_id = await engine.submit()
    await engine.build(order_id)
    await cancel_order(engine.orders, engine.store.trading, order_id, by="me", because="changed my mind")
    await engine.execute(order_id)
    engine.start_tracker(QUICK)
    order = await engine.until(order_id, lambda order: order.ended)
    assert order.status == "cancelled"
    swap, cancel = order.attempts
    assert (swap.tip_lamports, cancel.purpose, cancel.tip_lamports) == (TIPPED, "cancel", 0)
    assert await landing.paid(landing.jito) == await landing.paid(landing.sender) == 0
    signature = bytes(Signature.from_string(cancel.signature))
    assert not any(signature in signed for stub in (landing.jito, landing.sender) for signed, _ in stub.taken)
    assert landing.jito.refused == landing.sender.refused == []


async def test_a_transaction_that_joins_tips_as_the_first_did_and_the_order_tips_once(landing: Landing) -> None:
    engine = landing.engine
    await engine.stop()
    order_id = await engine.submit()
    await engine.build(order_id)
    history = await engine.history(order_id)
    assert history.order
    await engine.orders.execute(history, RecordSent(1, history.order.attempts[0].signature, "accepted"))
    engine.settings = engine.settings.model_copy(update={"replace_after": 0.1})
    await asyncio.sleep(0.2)
    await engine.execute(order_id)
    engine.start_tracker(QUICK)
    order = await engine.until(order_id, lambda order: order.ended)
    assert order.status == "confirmed"
    assert [attempt.tip_lamports for attempt in order.attempts] == [TIPPED, TIPPED]
    assert (await landing.paid(landing.jito), await landing.paid(landing.sender)) == (JITO_TIP, SENDER_TIP)


@dataclass(frozen=True)
class Figures:
    landed: float
    landed_without: float
    timed: float

    def __sub__(self, other: Figures) -> Figures:
        return Figures(self.landed - other.landed, self.landed_without - other.landed_without, self.timed - other.timed)


def _figures(name: str) -> Figures:
    [metric] = LANDED_SECONDS.labels(name).collect()
    timed = next(sample.value for sample in metric.samples if sample.name.endswith("_count"))
    outcomes = (OUTCOMES.labels(name, outcome)._value.get() for outcome in ("landed", "landed_without"))
    return Figures(*outcomes, timed)


async def _counted(landing: Landing, before: dict[str, Figures], orders: int) -> dict[str, Figures]:
    """The figures once each lander's have come to so many orders."""
    async with asyncio.timeout(15):
        while True:
            after = {name: _figures(name) for name in _names(landing)}
            moved = [after[name] - before[name] for name in after]
            if all(one.landed + one.landed_without >= orders for one in moved):
                return after
            await asyncio.sleep(0.05)


def _names(landing: Landing) -> tuple[str, str]:
    return urlsplit(landing.jito.url).netloc, urlsplit(landing.sender.url).netloc


def _accounts(count: int) -> tuple[str, ...]:
    return tuple(str(Keypair().pubkey()) for _ in range(count))


async def _fund(rpc_url: str, accounts: Iterable[str]) -> None:
    async with httpx2.AsyncClient(trust_env=False) as client:
        for account in accounts:
            body = {"jsonrpc": "2.0", "id": 1, "method": "requestAirdrop", "params": [account, FUNDS]}
            assert "result" in (await client.post(rpc_url, json=body)).json()
        async with asyncio.timeout(10):
            for account in accounts:
                body = {"jsonrpc": "2.0", "id": 1, "method": "getBalance"}
                asked = {**body, "params": [account, {"commitment": "confirmed"}]}
                while (await client.post(rpc_url, json=asked)).json()["result"]["value"] != FUNDS:
                    await asyncio.sleep(0.02)
