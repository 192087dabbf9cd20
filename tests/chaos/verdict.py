"""What became of orders, taken from outside: the log against the chain as it really is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from domain import events as e
from domain.order import Order
from tests.chaos.attempt_rules import broken_rules
from tests.chaos.node import FaultyNode
from tests.integration.workers.harness import EngineHarness

Landed = dict[str, Any]


async def landed(node: FaultyNode, *wallets: str) -> dict[UUID, list[Landed]]:
    """By order, the transactions of the ``wallets``, or of the node's own, that carry its memo, newest first; each with
    the ``wallet`` that it was found at.
    """
    found: dict[UUID, list[Landed]] = defaultdict(list)
    for wallet in wallets or (node.wallet,):
        config: dict[str, Any] = {"commitment": "confirmed", "limit": 1000}
        while page := await node.truth("getSignaturesForAddress", wallet, config):
            for one in page:
                memo = (one["memo"] or "").rpartition("] ")[2]
                if memo.startswith("surefill:"):
                    found[UUID(memo.split(":")[1])].append({**one, "wallet": wallet})
            config["before"] = page[-1]["signature"]
    return found


async def gained(node: FaultyNode, signature: str, mint: str, wallet: str | None = None) -> int:
    """Base units of ``mint`` that a transaction gave to the ``wallet``, or to the node's own."""
    config = {"commitment": "confirmed", "encoding": "json", "maxSupportedTransactionVersion": 0}
    meta = (await node.truth("getTransaction", signature, config))["meta"]
    before, after = (
        sum(
            int(one["uiTokenAmount"]["amount"])
            for one in meta[side]
            if one["owner"] == (wallet or node.wallet) and one["mint"] == mint
        )
        for side in ("preTokenBalances", "postTokenBalances")
    )
    return after - before


async def judge(engine: EngineHarness, node: FaultyNode, order_ids: Iterable[UUID]) -> list[Order]:
    """Each order has one success and says so, with what it moved; its attempts keep the rules."""
    on_chain, orders = await landed(node), []
    for order_id in order_ids:
        order, events = await engine.order(order_id), (await engine.history(order_id)).events
        assert order.fill is not None, order
        assert [one["signature"] for one in on_chain[order_id] if one["err"] is None] == [order.fill.tx_hash]
        assert order.fill.amount_out == await gained(node, order.fill.tx_hash, order.token_out.mint)
        told = (e.AttemptExpired, e.AttemptRejected, e.OrderConfirmed)
        story = [event for event in events if isinstance(event, told)]
        assert broken_rules(events, most_priority_lamports=engine.settings.max_priority_fee_lamports) == []
        assert [type(event) for event in story].count(e.OrderConfirmed) == 1
        seen = {one["signature"] for one in on_chain[order_id]}
        assert not seen & {event.signature for event in story if isinstance(event, e.AttemptExpired)}
        failed = {one["signature"] for one in on_chain[order_id] if one["err"] is not None}
        assert failed == {event.signature for event in story if isinstance(event, e.AttemptRejected)}
        orders.append(order)
    return orders
