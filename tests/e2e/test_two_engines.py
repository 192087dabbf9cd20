"""Two engines on two logs with one wallet: each order succeeds once, and both logs end as the chain is."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import UUID

import pytest

from chains.wallet import Wallet
from tests.e2e.engine import Engine, ended
from tests.e2e.test_put_back import check
from tests.e2e.test_restore import PATIENCE_S, executed, ids, post_all, recover_and_resume


@pytest.fixture
def second_engine(own_engine: Engine, reachable: Path) -> Engine:
    """Another engine, with databases of its own, on the first one's chain and wallet; not started yet."""
    directory = reachable / "second"
    directory.mkdir(mode=0o755)
    return Engine(directory)


async def test_two_engines_with_one_wallet_halt_on_each_other_and_each_order_succeeds_once(
    own_engine: Engine, second_engine: Engine
) -> None:
    first, second = own_engine, second_engine
    first.start(within=PATIENCE_S)
    rpc_url, key = first.addresses()["SOLANA_RPC_URL"], first.directory / "data" / "wallet.json"
    second.settings |= {"SOLANA_RPC_URL": rpc_url, "WALLET_KEYPAIR": str(key)}
    second.start(within=PATIENCE_S)
    try:
        async with first.client() as one, second.client() as two:
            shared = [f"shared-{n}" for n in range(10)]
            # Both execute, and neither has compared since.
            ours, theirs = await asyncio.gather(
                post_all(one, [*shared, "first-alone"]), post_all(two, [*shared, "second-alone"])
            )
            for client in (one, two):
                async with asyncio.timeout(90):
                    while (await check(client, "log"))["ok"]:
                        await asyncio.sleep(0.2)
            recover_and_resume(first)
            recover_and_resume(second)
            here, there = await ended(one, ids(ours), within=200), await ended(two, ids(theirs), within=200)
        succeeded = await executed(rpc_url, Wallet.load(key).address)
        assert [signatures for signatures in succeeded.values() if len(signatures) > 1] == []
        assert len(succeeded) == len(shared) + 2
        for order_id, order in (*here.items(), *there.items()):
            assert UUID(order_id) and order["status"] == "confirmed", order
            assert [order["txHash"]] == succeeded[order_id]
        for engine in (first, second):
            verified = engine.run("verify", within=120)
            assert verified.returncode == 0, verified.stdout
    finally:
        second.stop()
