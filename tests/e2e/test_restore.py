"""A log that has lost its end: nothing executes twice, and orders end as the chain has them."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

import httpx2

from chains.wallet import Wallet
from chains.wallet_history import WalletHistory
from tests.e2e.engine import Engine, body, ended
from tests.e2e.test_put_back import CLUSTER, WAITS, check, duplicate, replace_cluster

EACH = 100
PATIENCE_S = 180
BECAUSE = ("--because", "the test asks for it")
CANCELLED = "waits-and-is-cancelled"
MET_AT_160 = {"type": "limit", "limitPrice": "160"}


async def post_all(client: httpx2.AsyncClient, names: list[str]) -> dict[str, dict[str, Any]]:
    """The answers to posts of these client order ids, by id."""

    async def post(name: str) -> dict[str, Any]:
        terms = MET_AT_160 if name == CANCELLED else WAITS if name.startswith("waits") else {}
        while True:
            try:
                answer = await client.post(
                    "/api/orders/execute", json=body(amountIn="0.01", clientOrderId=name, **terms)
                )
            except httpx2.TransportError:
                # An idle connection was just closed: with a clientOrderId the post is safe to repeat.
                continue
            assert answer.status_code == 202, answer.text
            return dict(answer.json())

    return dict(zip(names, await asyncio.gather(*map(post, names)), strict=True))


async def executed(rpc_url: str, wallet: str) -> dict[str, list[str]]:
    """The signatures that succeeded on the chain, by the order in their memo."""
    found: dict[str, list[str]] = {}
    async with WalletHistory(rpc_url) as history:
        async for page in history.pages(wallet):
            for one in page:
                if one.memo and not one.failed:
                    found.setdefault(str(one.memo.order_id), []).append(one.signature)
    return found


def ids(answers: dict[str, dict[str, Any]], *, waiting: bool = False) -> list[str]:
    return [
        answer["orderId"]
        for name, answer in answers.items()
        if name.startswith("waits") == waiting and name != CANCELLED
    ]


def recover_and_resume(engine: Engine, *cancelled: str) -> str:
    """Every open order is kept but those that are ``cancelled``; what the first step showed."""
    shown = engine.run_hurried("recover", within=240)
    waits = any(words in shown.stderr for words in ("wait for a decision", "waits for a decision", "no order is open"))
    assert shown.returncode == 1 and waits, shown.stderr
    done = engine.run_hurried(
        "recover", *(("--cancel", *cancelled) if cancelled else ()), "--keep", "all", *BECAUSE, within=240
    )
    assert done.returncode == 0, done.stderr
    assert engine.run("resume", *BECAUSE).returncode == 0
    return shown.stdout


async def machine_goes_down(engine: Engine) -> None:
    engine.stop(signal.SIGKILL)
    async with asyncio.timeout(60):
        # PostgreSQL ends with its parent, and takes a moment for it.
        while (engine.directory / "data" / CLUSTER / "data" / "postmaster.pid").exists():
            await asyncio.sleep(0.1)


async def resting(client: httpx2.AsyncClient, answers: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The order that is cancelled in the lost end of the log."""
    return dict((await client.get(answers[CANCELLED]["links"]["order"])).json())


async def test_a_log_put_back_to_its_middle_executes_nothing_twice_when_every_post_is_sent_again(
    own_engine: Engine,
) -> None:
    engine, copy = own_engine, own_engine.directory / "copy"
    engine.start(within=PATIENCE_S)
    names = [f"before-{n}" for n in range(EACH)] + ["waits-before", CANCELLED]
    async with engine.client() as client:
        before = await post_all(client, names)
        await ended(client, ids(before))
    assert engine.stop() == 0
    duplicate(engine.directory / "data" / CLUSTER / "data", copy)

    engine.start(within=PATIENCE_S)
    names += ["waits-after"] + [f"after-{n}" for n in range(EACH)]
    async with engine.client() as client:
        after = await post_all(client, names[EACH + 2 :])
        told = await ended(client, ids(after))
        assert engine.run("cancel", before[CANCELLED]["orderId"], *BECAUSE).returncode == 0
        assert (await resting(client, before))["status"] == "cancelled"
        # While these are being executed the machine goes down.
        last = [f"last-{n}" for n in range(EACH)]
        await post_all(client, last)
        names += last
        await asyncio.sleep(0.5)
    await machine_goes_down(engine)
    replace_cluster(engine, copy)

    engine.start(within=PATIENCE_S)
    rpc_url = engine.addresses()["SOLANA_RPC_URL"]
    wallet = Wallet.load(engine.directory / "data" / "wallet.json").address
    on_chain = await executed(rpc_url, wallet)
    async with engine.client() as client:
        assert not (await check(client, "log"))["ok"]
        again = await post_all(client, names)
        # Its cancel is lost, and its price is met: it waits for an operator.
        assert engine.run("localnet", "price", "SOL/USDC", "170").returncode == 0
        shown = recover_and_resume(engine, before[CANCELLED]["orderId"])
        cancelled = await resting(client, before)
        assert (cancelled["status"], cancelled["failure"]["code"]) == ("failed", "cancelled_at_recovery")
        lost = len(on_chain.keys() - set(ids(before)))
        assert lost >= EACH and f"executed outside of the log, now recorded: {lost}\n" in shown
        orders = await ended(client, ids(again), within=200)
        for order_id in ids(again, waiting=True):
            assert (await client.get(f"/api/orders/{order_id}")).json()["status"] == "pending"
    succeeded = await executed(rpc_url, wallet)
    assert [signatures for signatures in succeeded.values() if len(signatures) > 1] == []
    assert {order_id for order_id, order in orders.items() if order["status"] == "confirmed"} == {*succeeded}
    assert {order_id: [orders[order_id]["txHash"]] for order_id in succeeded} == succeeded
    # What clients were told before is what they are told now.
    same = ("status", "txHash", "executedAmountOut", "executedPrice")
    assert all([orders[i][name] for name in same] == [order[name] for name in same] for i, order in told.items())
    verified = engine.run("verify", within=120)
    assert verified.returncode == 0 and "all equal" in verified.stdout, verified.stdout
