"""A log that has lost its end, and lists of orders that exclude each other: one fill each, by the chain."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2

from chains.wallet import Wallet
from tests.e2e.engine import Engine, body
from tests.e2e.test_put_back import CLUSTER, duplicate, replace_cluster
from tests.e2e.test_restore import PATIENCE_S, executed, machine_goes_down, recover_and_resume

EACH = 15
RESTS = "rests"
# Both orders are met by whatever the price is; or neither is.
MET = [{"type": "limit", "limitPrice": "1"}, {"type": "stop", "stopPrice": "10000"}]
UNMET = [{"type": "limit", "limitPrice": "10000"}, {"type": "stop", "stopPrice": "1"}]


async def post_all(client: httpx2.AsyncClient, names: list[str]) -> dict[str, str]:
    """The ids of the lists posted under these names."""

    async def post(name: str) -> str:
        legs = [body(amountIn="0.01", **leg) for leg in (UNMET if name == RESTS else MET)]
        while True:
            try:
                asked = {"kind": "oco", "clientListId": name, "legs": legs}
                answer = await client.post("/api/order-lists", json=asked)
            except httpx2.TransportError:
                continue
            assert answer.status_code == 202, answer.text
            return str(answer.json()["listId"])

    return dict(zip(names, await asyncio.gather(*map(post, names)), strict=True))


async def filled(client: httpx2.AsyncClient, lists: list[str]) -> dict[str, dict[str, Any]]:
    """The lists, once an order of each is filled."""
    found: dict[str, dict[str, Any]] = {}
    async with asyncio.timeout(PATIENCE_S):
        for list_id in lists:
            while (shown := (await client.get(f"/api/order-lists/{list_id}")).json())["status"] != "filled":
                assert shown["status"] == "open", shown
                await asyncio.sleep(0.1)
            found[list_id] = shown
    return found


async def test_a_log_put_back_to_its_middle_fills_one_order_of_each_oco(own_engine: Engine) -> None:
    engine, copy = own_engine, own_engine.directory / "copy"
    engine.start(within=PATIENCE_S)
    names = [f"before-{n}" for n in range(EACH)]
    async with engine.client() as client:
        await filled(client, list((await post_all(client, names)).values()))
        await post_all(client, [RESTS])
    assert engine.stop() == 0
    duplicate(engine.directory / "data" / CLUSTER / "data", copy)

    engine.start(within=PATIENCE_S)
    after, last = ([f"{when}-{n}" for n in range(EACH)] for when in ("after", "last"))
    names += [*after, *last]
    async with engine.client() as client:
        await filled(client, list((await post_all(client, after)).values()))
        await post_all(client, last)
        await asyncio.sleep(0.2)
    await machine_goes_down(engine)
    replace_cluster(engine, copy)

    engine.start(within=PATIENCE_S)
    rpc_url = engine.addresses()["SOLANA_RPC_URL"]
    wallet = Wallet.load(engine.directory / "data" / "wallet.json").address
    lost = await executed(rpc_url, wallet)
    assert len(lost) >= 2 * EACH
    async with engine.client() as client:
        lists = await post_all(client, [*names, RESTS])
        recover_and_resume(engine)
        rests = lists.pop(RESTS)
        found = await filled(client, list(lists.values()))
        assert (await client.get(f"/api/order-lists/{rests}")).json()["status"] == "open"
    succeeded = await executed(rpc_url, wallet)
    assert lost.items() <= succeeded.items()
    for shown in found.values():
        fills = {one["orderId"]: [one["txHash"]] for one in shown["orders"] if one["status"] == "confirmed"}
        assert len(fills) == 1, shown
        assert fills == {one: succeeded[one] for one in shown["orderIds"] if one in succeeded}
    verified = engine.run("verify", within=120)
    assert verified.returncode == 0 and "all equal" in verified.stdout, verified.stdout
