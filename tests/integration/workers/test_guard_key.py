"""Nothing is signed before the guard key is proven to be the one the chain knows."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from solders.keypair import Keypair

from chains.guard import GuardKey
from chains.solana_client import SolanaChain
from chains.wallet_history import WalletHistory
from commands.ids import DEFAULT_ACCOUNT
from domain.account import CanaryMade, GuardKeyBound, guard_key_stream
from domain.errors import DomainError
from tests.integration.chains.endpoint_server import Request, altering, serving
from tests.integration.workers.harness import EngineHarness, now
from workers.execution.canary import Canary
from workers.execution.funds import Funds
from workers.history.canaries import canaries_of


def canary(engine: EngineHarness, key: GuardKey | None = None, chain: SolanaChain | None = None) -> Canary:
    chain = chain or engine.chain
    funds = Funds(chain, engine.wallet.address, reserve=0)

    async def canaries() -> dict[str, int]:
        async with WalletHistory(engine.rpc_url) as history:
            return await canaries_of(engine.wallet.address, history)

    key = key or engine.wallet.guard_key()
    return Canary(chain, engine.wallet, key, engine.store.guard_keys, funds, DEFAULT_ACCOUNT, canaries)


async def recorded(engine: EngineHarness) -> list[type[object]]:
    events = await engine.events.load(guard_key_stream(DEFAULT_ACCOUNT))
    return [type(engine.mapper.load(event.topic, event.state)) for event in events]


async def test_the_first_start_makes_the_canary_and_each_later_one_proves_by_it(engine: EngineHarness):
    first = canary(engine)
    assert not first.proven
    await first.prove()
    assert first.proven
    assert await recorded(engine) == [GuardKeyBound]
    async with asyncio.timeout(15):
        await first.record()
    address = engine.wallet.guard_key().canary(engine.wallet.address).address
    assert await engine.chain.is_finalized(address)
    assert await recorded(engine) == [GuardKeyBound, CanaryMade]
    balance = await engine.chain.lamports(engine.wallet.address)
    for _ in range(2):
        later = canary(engine)
        await later.prove()
        await later.record()
    assert await recorded(engine) == [GuardKeyBound, CanaryMade]
    assert await engine.chain.lamports(engine.wallet.address) == balance


async def test_two_first_starts_at_once_make_one_canary_and_record_it_once(engine: EngineHarness):
    both = [canary(engine), canary(engine)]
    await asyncio.gather(*(one.prove() for one in both))
    assert [one.proven for one in both] == [True, True]
    assert await recorded(engine) == [GuardKeyBound]
    async with asyncio.timeout(15):
        await asyncio.gather(*(one.record() for one in both))
    assert await recorded(engine) == [GuardKeyBound, CanaryMade]


async def test_another_guard_key_is_refused(engine: EngineHarness):
    await canary(engine).prove()
    other = canary(engine, GuardKey(bytes(32)))
    with pytest.raises(DomainError, match="use that key"):
        await other.prove()
    assert not other.proven


async def test_of_two_engines_with_a_key_each_only_the_first_signs(engine: EngineHarness, other: EngineHarness) -> None:
    """A log each: neither knows which key the other one's has bound."""
    await canary(engine).prove()
    second = canary(other, GuardKey(bytes(32)))
    with pytest.raises(DomainError, match="of another guard key in slot") as refused:
        await second.prove()
    assert refused.value.code == "another_guard_key" and not second.proven
    # It stays so; and what the second made is in nobody's way whose key was first.
    with pytest.raises(DomainError, match="of another guard key in slot"):
        await canary(other, GuardKey(bytes(32))).prove()
    again = canary(engine)
    await again.prove()
    assert again.proven


async def test_of_two_that_begin_at_once_one_signs_at_most(engine: EngineHarness, other: EngineHarness) -> None:
    both = [canary(engine), canary(other, GuardKey(bytes(32)))]
    await asyncio.gather(*(one.prove() for one in both), return_exceptions=True)
    assert sum(one.proven for one in both) <= 1


async def test_where_a_fork_puts_another_canary_first_the_key_is_proven_no_more(engine: EngineHarness) -> None:
    mine = canary(engine)
    await mine.prove()
    seen = mine.canaries

    async def with_an_earlier_one() -> dict[str, int]:
        return {**await seen(), str(Keypair().pubkey()): 1}

    mine.canaries = with_an_earlier_one
    async with asyncio.timeout(15):
        with pytest.raises(DomainError, match="of another guard key in slot 1"):
            await mine.record()
    assert not mine.proven and await recorded(engine) == [GuardKeyBound]


async def test_a_canary_that_a_fork_undid_is_made_again_before_anything_is_signed(
    engine: EngineHarness, rpc_url: str
) -> None:
    """The node shows it while it is proven, for a moment not, and then again."""
    shown = iter(["GONE"])

    def gone_once(_: Request, result: Any) -> Any:
        if mine.proven and next(shown, None):
            return {**result, "value": {**result["value"], "err": None, "unitsConsumed": 1_000}}
        return result

    async with (
        httpx2.AsyncClient(base_url=rpc_url) as node,
        serving(altering(node, {"simulateTransaction": gone_once})) as url,
        SolanaChain(url) as chain,
    ):
        mine = canary(engine, chain=chain)
        await mine.prove()
        async with asyncio.timeout(15):
            await mine.record()
        assert next(shown, None) is None
        assert mine.proven and await recorded(engine) == [GuardKeyBound, CanaryMade]


async def test_a_chain_that_does_not_show_the_canary_is_not_signed_for(engine: EngineHarness, rpc_url: str):
    first = canary(engine)
    await first.prove()
    await first.record()

    def succeeds(_: Request, result: Any) -> Any:
        return {**result, "value": {**result["value"], "err": None, "unitsConsumed": 1_000}}

    async with (
        httpx2.AsyncClient(base_url=rpc_url) as node,
        serving(altering(node, {"simulateTransaction": succeeds})) as url,
        SolanaChain(url) as chain,
    ):
        gone = canary(engine, chain=chain)
        with pytest.raises(DomainError, match="canary guard"):
            await gone.prove()
        assert not gone.proven


async def test_until_the_key_is_proven_nothing_is_signed_and_the_deadline_still_ends_an_order(engine: EngineHarness):
    order_id = await engine.submit(deadline=now() + timedelta(milliseconds=500))
    executor = engine.executor(may_sign=lambda: False)
    await engine.execute(order_id, executor=executor)
    assert (await engine.order(order_id)).attempts == ()
    await asyncio.sleep(0.6)
    await engine.execute(order_id, executor=executor)
    failure = (await engine.order(order_id)).failure
    assert failure
    assert (failure.code, failure.retryable) == ("guard_unproven", True)


async def test_swaps_stop_before_the_reserve_that_is_kept_for_cancels(engine: EngineHarness):
    order_id = await engine.submit()
    holds = await engine.chain.lamports(engine.wallet.address)
    await engine.execute(order_id, executor=engine.executor(reserve=holds))
    order = await engine.order(order_id)
    assert (order.attempts, order.obstacle) == ((), "lamport_reserve")
    await engine.execute(order_id, executor=engine.executor(reserve=holds - 2_100_000))
    assert len((await engine.order(order_id)).attempts) == 1


async def test_the_reserve_counts_what_was_signed_a_moment_ago(engine: EngineHarness):
    holds = await engine.chain.lamports(engine.wallet.address)
    funds = Funds(engine.chain, engine.wallet.address, reserve=holds - 5_000_000)
    assert [await funds.take(2_044_280) for _ in range(3)] == [True, True, False]
