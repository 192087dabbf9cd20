"""A log damaged behind the triggers of a running engine: the others go on, an operator sees it and takes it up."""

from __future__ import annotations

import asyncio
import json
import signal

import psycopg

from tests.e2e.engine import Engine, ended, submit
from tests.e2e.processes import role


def change_topic(engine: Engine, order_id: str, version: int, topic: str) -> None:
    """As the log's owner, with its triggers off."""
    with psycopg.connect(engine.addresses()["DATABASE_OWNER_URL"].split("?")[0]) as owner:
        owner.execute("set search_path to surefill")
        owner.execute("alter table events disable trigger all")
        changed = owner.execute(
            "update events set topic = %s where stream_id = %s and version = %s", [topic, order_id, version]
        )
        assert changed.rowcount == 1
        owner.execute("alter table events enable always trigger events_are_immutable")


def listed_letters(engine: Engine) -> list[dict[str, str]]:
    return [json.loads(one) for one in engine.run("dead-letters", "--json").stdout.splitlines()]


async def test_a_damaged_order_is_listed_and_taken_up_and_the_others_go_on_meanwhile(own_engine: Engine):
    own_engine.settings |= {"MARKET_ORDER_DEADLINE": "600", "PROCESSES": "roles"}
    own_engine.start()
    stopped = [*role(own_engine.pid, "worker"), *role(own_engine.pid, "projector")]
    for one in stopped:
        one.kill(signal.SIGSTOP)
    async with own_engine.client() as client:
        damaged = await submit(client)
        change_topic(own_engine, damaged, 2, "order.FromTheFuture")
        for one in stopped:
            one.kill(signal.SIGCONT)
        others = [await submit(client) for _ in range(10)]
        assert {order["status"] for order in (await ended(client, others)).values()} == {"confirmed"}

        async with asyncio.timeout(20):
            letters = listed_letters(own_engine)
            while not {"execution", "projector:orders_v1"} <= {one["processor"] for one in letters}:
                await asyncio.sleep(0.2)
                letters = listed_letters(own_engine)
        assert {(one["orderId"], one["error"]) for one in letters} == {
            (damaged, "order.FromTheFuture: UnknownTopicError")
        }
        # A watcher that starts meanwhile meets it, too, in what the read model doesn't show yet.
        assert {one["processor"] for one in letters} <= {"execution", "projector:orders_v1", "watcher"}
        ready = (await client.get("/health/ready")).json()
        assert ready["status"] == "degraded"
        [check] = [one for one in ready["checks"] if not one["ok"]]
        assert check["name"] == "dead letters"
        assert "surefill dead-letters" in check["reason"]
        unreadable = await client.get(f"/api/orders/{damaged}")
        assert (unreadable.status_code, unreadable.json()["code"]) == (409, "order_unreadable")

        again = own_engine.run("dead-letters", "retry", damaged)
        assert (again.returncode, again.stdout) == (1, "")
        assert (
            again.stderr == "surefill: set aside again at projector:orders_v1: order.FromTheFuture: UnknownTopicError\n"
        )
        refused = own_engine.run("dead-letters", "discard", damaged, "--because", "damaged")
        assert refused.returncode == 1
        assert refused.stderr.startswith("surefill: live_attempt: ")

        change_topic(own_engine, damaged, 2, "order.OrderTriggered")
        done = own_engine.run("dead-letters", "retry", damaged)
        assert done.returncode == 0, done.stderr
        assert (await ended(client, [damaged]))[damaged]["status"] == "confirmed"
        assert own_engine.run("dead-letters").stdout == "nothing is set aside\n"
        assert (await client.get("/health/ready")).json()["status"] == "ready"
        submitted = await client.post("/api/orders/execute", json={"tokenIn": "SOL", "tokenOut": "USDC", "amountIn": 1})
        listed = await client.get("/api/orders", params={"position": submitted.json()["position"]})
        assert [one["status"] for one in listed.json()["items"] if one["orderId"] == damaged] == ["confirmed"]
        await ended(client, [submitted.json()["orderId"]])
    verified = own_engine.run("verify", "--no-chain", "--json")
    assert '"verdict": "differs"' not in verified.stdout, verified.stdout
