"""A market order, from REST to the chain and back to the WebSocket, seen from outside."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from solana.rpc.async_api import AsyncClient
from solders.pubkey import Pubkey
from solders.signature import Signature

from tests.e2e.engine import STORY, Engine, body, ended, story, submit


async def test_a_client_that_connects_at_once_sees_every_status_once_and_in_order(engine: Engine):
    async with engine.client() as client:
        messages = await engine.watch(await submit(client))
    assert [message["status"] for message in messages] == STORY
    assert messages[-1]["dex"] in ("Raydium", "Meteora", "Orca")
    assert Decimal(messages[-1]["executedPrice"]) > 0
    assert "txHash" not in messages[2]
    assert messages[3]["txHash"] == messages[4]["txHash"]


async def test_a_client_that_connects_late_sees_the_same_messages(engine: Engine):
    async with engine.client() as client:
        order_id = await submit(client)
    at_once = await engine.watch(order_id)
    assert await engine.watch(order_id) == at_once
    seen = at_once[2]["sequence"]
    assert await engine.watch(order_id, f"?after={seen}") == at_once[3:]
    every = await engine.watch(order_id, "?events=true")
    assert [message["sequence"] for message in every] == list(range(1, len(every) + 1))


async def test_any_solana_client_finds_the_swap_by_hash_and_memo_and_the_balances_moved_by_it(engine: Engine):
    async with engine.client() as client:
        network = (await client.get("/api/network")).json()
        order_id = await submit(client, amountIn="2", tokenIn="SOL", tokenOut="USDC")
        order = (await ended(client, [order_id]))[order_id]
    mints = {token["symbol"]: token["mint"] for token in network["tokens"]}
    async with AsyncClient(network["rpcUrl"]) as chain:
        found = await chain.get_transaction(
            Signature.from_string(order["txHash"]), "json", "confirmed", max_supported_transaction_version=0
        )
        assert found.value is not None
        meta = found.value.transaction.meta
        assert meta is not None
        assert meta.err is None
        moved = {}
        for balance, sign in [(b, -1) for b in meta.pre_token_balances or ()] + [
            (b, 1) for b in meta.post_token_balances or ()
        ]:
            if str(balance.owner) == network["wallet"]:
                amount = sign * Decimal(balance.ui_token_amount.ui_amount_string)
                moved[str(balance.mint)] = moved.get(str(balance.mint), Decimal(0)) + amount
        memos = await chain.get_signatures_for_address(
            Pubkey.from_string(network["wallet"]), limit=20, commitment="confirmed"
        )
    assert moved == {
        mints["SOL"]: -Decimal(order["executedAmountIn"]),
        mints["USDC"]: Decimal(order["executedAmountOut"]),
    }
    assert Decimal(order["executedAmountIn"]) == 2
    [named] = [one for one in memos.value if str(one.signature) == order["txHash"]]
    assert named.memo is not None
    assert named.memo.endswith(f"surefill:{order_id}:1")


async def test_the_events_tell_the_whole_story_and_the_winner_is_best_by_recomputation(engine: Engine):
    async with engine.client() as client:
        order_id = await submit(client, amountIn="3")
        await ended(client, [order_id])
        events = await story(client, order_id)
    assert [event["version"] for event in events] == list(range(1, len(events) + 1))
    assert [event["type"] for event in events] == [
        "OrderSubmitted",
        "OrderTriggered",
        "OrderRouted",
        "TransactionBuilt",
        "TransactionSubmitted",
        "OrderConfirmed",
    ]
    routed = events[2]["data"]
    outs = {}
    for quote in routed["quotes"]:
        amount, fee = int(quote["amountInBaseUnits"]), quote["feeBps"]
        net = amount - -(-amount * fee // 10_000)
        out = int(quote["reserveOutBaseUnits"]) * net // (int(quote["reserveInBaseUnits"]) + net)
        assert out == int(quote["amountOutBaseUnits"])
        outs[quote["venue"]] = out
    assert len(set(outs.values())) >= 3
    assert routed["chosen"]["venue"] == max(outs, key=outs.__getitem__) == events[-1]["data"]["venue"]
    assert "transaction" not in events[3]["data"]


async def test_fifty_identical_orders_are_fifty_orders(engine: Engine):
    async with engine.client() as client:
        ids = await asyncio.gather(*(submit(client) for _ in range(50)))
        orders = await ended(client, list(ids))
    assert len(set(ids)) == 50
    assert {order["status"] for order in orders.values()} == {"confirmed"}
    assert len({order["txHash"] for order in orders.values()}) == 50


async def test_one_client_order_id_fifty_times_is_one_order_with_fifty_equal_answers(engine: Engine):
    terms = {"tokenIn": "SOL", "tokenOut": "USDC", "amountIn": "1.50", "clientOrderId": "once"}
    async with engine.client() as client:
        answers = await asyncio.gather(*(client.post("/api/orders/execute", json=terms) for _ in range(50)))
        assert {answer.status_code for answer in answers} == {202}
        assert len({answer.content for answer in answers}) == 1
        order_id = answers[0].json()["orderId"]
        await ended(client, [order_id])
        late = await client.post("/api/orders/execute", json={**terms, "amountIn": 1.5})
        assert late.content == answers[0].content
        other = await client.post("/api/orders/execute", json={**terms, "amountIn": "1.6"})
    assert (other.status_code, other.json()["code"]) == (409, "client_order_id_conflict")


async def test_more_than_the_wallet_holds_fails_with_its_code_and_nothing_is_sent(engine: Engine):
    async with engine.client() as client:
        order_id = await submit(client, amountIn="20000", slippageBps=5000)
        order = (await ended(client, [order_id]))[order_id]
        types = [event["type"] for event in await story(client, order_id)]
    assert order["failure"]["code"] == "insufficient_funds"
    assert order["attempts"] == 0
    assert types[-2:] == ["BuildRejected", "OrderFailed"]


async def test_the_list_shows_the_newest_first_and_waits_for_a_position(engine: Engine):
    async with engine.client() as client:
        answer = await client.post("/api/orders/execute", json=body(tokenIn="USDC", tokenOut="SOL"))
        accepted = answer.json()
        page = (await client.get(f"/api/orders?limit=1&position={accepted['position']}")).json()
    assert page["items"][0]["orderId"] == accepted["orderId"]
    assert page["next"]
