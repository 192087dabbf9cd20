"""Every fault of a node against the real execution side: the order ends right, once, when the node is well again.

Time is counted in blocks, as the engine's proofs count it: minutes of mainnet are blocks closed at once, and the test
waits until the engine has asked often enough to have been wrong.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from commands.ids import DEFAULT_ACCOUNT
from domain.account import ContradictionFound
from domain.errors import DomainError
from domain.order import Order
from domain.tokens import SOL, USDC
from projections.uncertainty import uncertainty_of
from tests.chaos.node import FaultyNode
from tests.chaos.verdict import judge, landed
from tests.golden.account_runs import confirmed_and_purged
from tests.integration.workers.conftest import EngineHarness, now
from tests.integration.workers.test_contradictions import landed as record_landing
from workers.execution.sending import signed_bytes
from workers.metrics import CONTRADICTIONS
from workers.tracker.resolve import Landed, Resolver
from workers.tracker.tracker import Pace

QUICK = Pace(poll=0.02, poll_confirmed=0.05, rebroadcast=0.1, first_send=0.2, heights=0.05, proof=0.1, rows=0.5)
PAST_ITS_LIFE = 200  # blocks: the 150 of a blockhash, the 32 to finality, and some
TEN_MINUTES = 1_500  # blocks of 400 ms


def execute(engine: EngineHarness) -> None:
    engine.start_projector()
    engine.start_sweeper()
    engine.start_worker()
    engine.start_tracker(QUICK)


async def until(holds: Callable[[], Awaitable[Any]], within: float = 15) -> None:
    deadline = asyncio.get_running_loop().time() + within
    while not await holds():
        assert asyncio.get_running_loop().time() < deadline, "not in time"
        await asyncio.sleep(0.02)


async def asked(node: FaultyNode, method: str, times: int) -> None:
    """Return once ``method`` was called so often from now on."""
    before = (await node.report())["calls"].get(method, 0)

    async def enough() -> bool:
        return bool((await node.report())["calls"].get(method, 0) >= before + times)

    await until(enough)


async def on_chain(node: FaultyNode, order_id: UUID) -> list[dict[str, Any]]:
    return (await landed(node))[order_id]


def undecided(order: Order) -> bool:
    return order.status == "submitted" and [attempt.end for attempt in order.attempts] == [None]


MOST_ROUNDS = 6

ILL = {
    "a node that is behind": [("error", {"code": -32005})],
    "a preflight that fails": [("error", {"code": -32002})],
    "an error after the transaction was taken": [("error", {"code": -32603, "executed": True})],
    "too many requests": [("http", {"status": 429})],
    "an overloaded gateway": [("http", {"status": 503, "executed": True})],
    "HTML": [("html", {})],
    "half a JSON": [("half", {})],
    "no answer": [("timeout", {})],
    "no answer to what was done": [("timeout", {"executed": True})],
    "slow answers": [("slow", {"by": 0.2})],
    "transactions dropped": [("drop", {})],
    "transactions delayed": [("delay", {"blocks": 20})],
    "transactions doubled": [("duplicate", {"times": 5})],
    "statuses that lag": [("behind", {"slots": 10})],
    "slots that stall": [("stall", {})],
    "forks": [("fork", {})],
    "all of it": [
        ("http", {"status": 503, "executed": True}),
        ("half", {}),
        ("drop", {}),
        ("duplicate", {}),
        ("behind", {"slots": 10}),
        ("fork", {}),
    ],
}


@pytest.mark.parametrize("faults", ILL.values(), ids=ILL.keys())
async def test_while_a_node_is_ill_orders_go_on_and_each_ends_with_one_swap(
    engine: EngineHarness, node: FaultyNode, faults: list[tuple[str, dict[str, Any]]]
) -> None:
    before = (await node.report())["struck"]
    execute(engine)
    ids: list[UUID] = []
    for attempt in range(MOST_ROUNDS):
        # A second may pass by all that a fault would strike: then the node is ill once more.
        for seed, (name, params) in enumerate(faults, 100 * attempt):
            await node.fault(name, probability=0.4, seed=seed, seconds=1.0, **params)
        fresh = await asyncio.gather(*(engine.submit() for _ in range(5)))
        for order_id in fresh:
            await engine.until(order_id, lambda order: order.ended, within=25)
        ids += fresh
        after = (await node.report())["struck"]
        if all(after.get(name, 0) > before.get(name, 0) for name, _ in faults):
            break
    else:
        raise AssertionError(f"not every fault struck in {MOST_ROUNDS} rounds: {after}")
    await judge(engine, node, ids)


BLIND_TO_EXPIRY = {
    "heights that stand still": ("getBlockHeight", "stale", {"slots": 10**6}),
    "a stale epoch": ("getGenesisHash", "stale", {"slots": 10**6, "methods": ("getEpochInfo",)}),
    "statuses older than the height": ("getGenesisHash", "behind", {"slots": 300}),
    "another chain": ("getGenesisHash", "genesis", {}),
    "blocks cleaned up": ("getGenesisHash", "purged", {"keeps": 20, "code": -32001}),
    "blocks missing in long-term storage": ("getGenesisHash", "purged", {"keeps": 20, "code": -32009}),
    "blocks not available": ("getBlock", "error", {"code": -32004, "methods": ("getBlock",)}),
    "a list of blocks as HTML": ("getBlocksWithLimit", "html", {"methods": ("getBlocksWithLimit",)}),
    "half an epoch": ("getEpochInfo", "half", {"methods": ("getEpochInfo",)}),
    "no answer about the chain": ("getGenesisHash", "timeout", {"methods": ("getGenesisHash",)}),
}


@pytest.mark.parametrize(("question", "name", "params"), BLIND_TO_EXPIRY.values(), ids=BLIND_TO_EXPIRY.keys())
async def test_what_never_landed_is_signed_again_only_once_its_expiry_can_be_proven(
    engine: EngineHarness, node: FaultyNode, question: str, name: str, params: dict[str, Any]
) -> None:
    await node.fault("drop")
    await node.fault(name, **params)
    execute(engine)
    order_id = await engine.submit()
    await engine.until(order_id, lambda order: order.status == "submitted")
    await node.blocks(PAST_ITS_LIFE)
    await asked(node, question, 5)
    assert undecided(await engine.order(order_id))

    await node.clear()

    await engine.until(order_id, lambda order: order.ended)
    (order,) = await judge(engine, node, [order_id])
    # The blockhash of the last second is old too where hundreds of blocks were closed at once: then there are three.
    ends = [attempt.end for attempt in order.attempts]
    assert (set(ends[:-1]), ends[-1]) == ({"expired"}, "confirmed")


@pytest.mark.parametrize("blocks", ["readable", "refused"])
async def test_null_for_what_landed_is_no_proof_for_however_long(
    engine: EngineHarness, node: FaultyNode, blocks: str
) -> None:
    await node.fault("blind")
    if blocks == "refused":
        await node.fault("error", methods=("getBlock", "getBlocks", "getBlocksWithLimit"), code=-32004)
    execute(engine)
    order_id = await engine.submit()
    await until(lambda: on_chain(node, order_id))
    await engine.until(order_id, lambda order: order.status == "submitted")
    await node.blocks(TEN_MINUTES)
    await asked(node, "getGenesisHash", 10)
    assert undecided(await engine.order(order_id))

    await node.clear()

    await engine.until(order_id, lambda order: order.ended)
    (order,) = await judge(engine, node, [order_id])
    assert len(order.attempts) == 1


async def test_a_landing_whose_history_was_purged_stays_undecided_until_another_can_see_it(
    engine: EngineHarness, node: FaultyNode
) -> None:
    blind = await node.fault("blind")
    execute(engine)
    order_id = await engine.submit()
    await until(lambda: on_chain(node, order_id))
    await engine.until(order_id, lambda order: order.status == "submitted")
    await node.fault("purged", keeps=20)
    await node.blocks(PAST_ITS_LIFE)
    await node.clear(blind)
    await asked(node, "getGenesisHash", 5)
    assert undecided(await engine.order(order_id))
    await node.clear()
    await engine.until(order_id, lambda order: order.ended)
    await judge(engine, node, [order_id])


@pytest.mark.parametrize("word", ["stands", "lost"])
async def test_of_a_confirmed_swap_whose_history_was_purged_an_operator_says_whether_it_stands(
    engine: EngineHarness, node: FaultyNode, word: str
) -> None:
    order_id = await confirmed_and_purged(engine, node)
    resolver = Resolver(engine.orders, engine.accounts, engine.chain)

    async def is_said_to_be_permanent() -> bool:
        uncertainty = await uncertainty_of(engine.pool, order_id, 1)
        return uncertainty is not None and uncertainty.permanent

    async def is_let_go() -> bool:
        return order_id not in (await engine.work.tracked())[1]

    await until(is_said_to_be_permanent)
    with pytest.raises(DomainError) as ended:
        await resolver.expired(order_id, 1, "it never landed", now())
    assert ended.value.code == "attempt_ended"
    assert not await is_let_go()
    before = await engine.history(order_id)

    await getattr(resolver, word)(order_id, 1, "the explorer shows it")

    await until(is_let_go)
    assert await uncertainty_of(engine.pool, order_id, 1) is None
    assert (await engine.history(order_id)).version == before.version
    assert (await engine.order(order_id)).status == "confirmed"
    halted = (await engine.accounts.trading(DEFAULT_ACCOUNT)).halted
    contradictions = [found.kind for found in await engine.accounts.contradictions(DEFAULT_ACCOUNT)]
    assert (halted, contradictions) == ((True, ["confirmed_lost"]) if word == "lost" else (False, []))
    with pytest.raises(DomainError) as again:
        await getattr(resolver, word)(order_id, 1, "again")
    assert again.value.code == "attempt_ended"
    # Both streams go on: a contradiction that comes later finds its version.
    other = ContradictionFound(
        kind="second_success", order_id=order_id, attempt=2, signature="another", detail="it landed too"
    )
    assert await engine.accounts.contradict(DEFAULT_ACCOUNT, other)


async def test_of_what_a_node_can_still_show_no_operator_says_whether_it_stands(
    engine: EngineHarness, node: FaultyNode
) -> None:
    order_id = await engine.submit()
    await engine.execute(order_id)
    resolver = Resolver(engine.orders, engine.accounts, engine.chain)
    for word in (resolver.stands, resolver.lost):
        with pytest.raises(DomainError) as live:
            await word(order_id, 1, "because")
        assert live.value.code == "not_confirmed"
    await record_landing(engine, order_id, 1)
    for word in (resolver.stands, resolver.lost):
        with pytest.raises(DomainError) as known:
            await word(order_id, 1, "because")
        assert known.value.code == "still_knowable"


async def test_what_an_operator_says_landed_is_not_followed_any_more(engine: EngineHarness, node: FaultyNode) -> None:
    engine.start_projector()
    order_id = await engine.submit()
    await engine.execute(order_id)
    await node.fault("blind")
    await node.fault("purged", keeps=20)
    await node.blocks(PAST_ITS_LIFE)
    engine.start_tracker(QUICK)

    async def is_tracked() -> bool:
        return order_id in (await engine.work.tracked())[1]

    async def is_let_go() -> bool:
        return not await is_tracked()

    await until(is_tracked)
    resolver = Resolver(engine.orders, engine.accounts, engine.chain)
    await resolver.landed(order_id, 1, Landed(7, 74_000_000, 5_000), "seen at an archive", now())
    await until(is_let_go)
    assert await uncertainty_of(engine.pool, order_id, 1) is None


async def built(engine: EngineHarness, **terms: Any) -> UUID:
    """An order whose transaction is signed, and not sent."""
    order_id = await engine.submit(**terms)
    await engine.build(order_id)
    return order_id


async def sent(engine: EngineHarness, *order_ids: UUID) -> None:
    for order_id in order_ids:
        await engine.execute(order_id)


async def newest_status(engine: EngineHarness, node: FaultyNode, order_id: UUID) -> Any:
    signature = (await engine.order(order_id)).attempts[-1].signature
    return (await node.truth("getSignatureStatuses", [signature]))["value"][0]


@pytest.mark.parametrize(("commitment", "blocks"), [("processed", 1), ("confirmed", 2)])
async def test_a_success_after_an_error_that_a_fork_dropped_is_confirmed_once(
    engine: EngineHarness, node: FaultyNode, commitment: str, blocks: int
) -> None:
    order_id = await built(engine, slippage_bps=0)
    rival = await built(engine, amount_in=10**12)
    stall = await node.fault("stall")
    await sent(engine, rival, order_id)
    await node.blocks(blocks)
    status = await newest_status(engine, node, order_id)
    assert status["err"] is not None
    assert status["confirmationStatus"] == commitment
    engine.start_tracker(QUICK)
    await asked(node, "getSignatureStatuses", 5)
    await engine.stop()

    assert await node.fork(blocks, confirmed=commitment == "confirmed")

    assert await newest_status(engine, node, order_id) is None
    await engine.chain.send(signed_bytes(await engine.history(order_id), 1))
    engine.start_tracker(QUICK)
    await node.clear(stall)
    order = await engine.until(order_id, lambda order: order.ended)
    assert len(order.attempts) == 1
    await judge(engine, node, [order_id])


async def test_an_error_after_a_success_that_a_fork_dropped_leads_to_one_more_attempt(
    engine: EngineHarness, node: FaultyNode
) -> None:
    order_id = await built(engine, slippage_bps=0)
    rival = await built(engine, amount_in=10**12)
    stall = await node.fault("stall")
    await sent(engine, order_id)
    await node.blocks(1)
    assert (await newest_status(engine, node, order_id))["err"] is None

    assert await node.fork()

    await sent(engine, rival)
    execute(engine)
    await node.clear(stall)
    order = await engine.until(order_id, lambda order: order.attempts[0].end is not None)
    assert order.attempts[0].end == "rejected"
    # Somebody trades the other way: the first attempt's minimum can be had again.
    back = await engine.submit(token_in=USDC, token_out=SOL, amount_in=200_000 * 10**6, slippage_bps=5_000)
    for one in (order_id, rival, back):
        await engine.until(one, lambda order: order.ended)
    await judge(engine, node, [order_id, rival, back])


async def test_a_node_that_is_killed_amid_forks_keeps_its_books(engine: EngineHarness, node: FaultyNode) -> None:
    async def held() -> int:
        return (await engine.chain.token_balances(engine.wallet.address, [USDC.mint]))[USDC.mint]

    before = await held()
    execute(engine)
    ids: list[UUID] = []
    for seed in range(4):
        await node.fault("fork", probability=0.5, seed=seed)
        ids += await asyncio.gather(*(engine.submit() for _ in range(5)))
        await engine.until(ids[-1], lambda order: bool(order.attempts))
        await node.kill()
        await node.start()
    for one in ids:
        await engine.until(one, lambda order: order.ended, within=25)
    orders = await judge(engine, node, ids)
    assert await held() - before == sum(order.fill.amount_out for order in orders if order.fill)


async def test_a_confirmed_swap_that_a_fork_drops_is_not_signed_again(engine: EngineHarness, node: FaultyNode) -> None:
    execute(engine)
    order_id = await engine.submit()
    confirmed = await engine.until(order_id, lambda order: order.ended)
    await node.fault("drop")
    await node.fault("stall")
    slot = await node.truth("getSlot", {"commitment": "processed"})
    assert confirmed.fill
    await node.fork(slot - confirmed.fill.slot + 1, confirmed=True)
    assert await on_chain(node, order_id) == []
    before = CONTRADICTIONS._value.get()
    await node.blocks(PAST_ITS_LIFE)
    async with asyncio.timeout(15):
        while CONTRADICTIONS._value.get() == before:
            await asyncio.sleep(0.02)
    order = await engine.order(order_id)
    assert (order.status, len(order.attempts)) == ("confirmed", 1)
