"""`surefill up` beside a Solana node that isn't there yet, and a Valkey that isn't."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from solders.keypair import Keypair

from tests.e2e.engine import Engine, body, ended, submit
from tests.e2e.test_bad_data import refused
from tests.integration.embedded import EmbeddedValkey
from tests.integration.localnet.local_node import LocalNode
from tests.ports import free_port

SLOW = 180  # seconds, where many tests share the machine


@pytest.fixture
def node(own_engine: Engine, tmp_path: Path) -> Iterator[LocalNode]:
    """The node the engine is given, with the engine's wallet; not started yet."""
    later = LocalNode(tmp_path, free_port(), slot_ms=100, wallet=Keypair())
    keypair = own_engine.directory / "keypair.json"
    keypair.write_text(json.dumps(list(bytes(later.wallet))))
    keypair.chmod(0o600)
    own_engine.settings = {"SOLANA_RPC_URL": later.url, "WALLET_KEYPAIR": str(keypair)}
    yield later
    later.stop()


async def test_up_serves_while_the_node_does_not_answer_and_executes_once_it_does(
    own_engine: Engine, node: LocalNode
) -> None:
    own_engine.start(within=SLOW)
    async with own_engine.client() as client:
        answer = await client.post("/api/orders/execute", json=body())
        assert (answer.status_code, answer.json()["code"]) == (503, "chain_unknown")
        assert (await client.get("/api/orders")).json()["items"] == []
        ready = (await client.get("/health/ready")).json()
        assert ready["status"] == "degraded"
        assert any(check["name"] == "chain" and not check["ok"] for check in ready["checks"])
        assert "no Solana node answers at 127.0.0.1 (SOLANA_RPC_URL)" in own_engine.log()

        await asyncio.to_thread(node.start)

        async with asyncio.timeout(30):
            while (await client.post("/api/orders/execute", json=body())).status_code != 202:
                await asyncio.sleep(0.1)
        [order] = (await ended(client, [await submit(client)])).values()
        assert order["status"] == "confirmed", order
        before = order["orderId"]

    assert own_engine.stop() == 0
    node.stop()
    own_engine.start(within=SLOW)
    async with own_engine.client() as client:
        assert (await client.get(f"/api/orders/{before}")).json()["status"] == "confirmed"
        accepted = await submit(client)
        await asyncio.to_thread(node.start)
        [order] = (await ended(client, [accepted])).values()
        assert order["status"] == "confirmed", order
    assert "Traceback" not in own_engine.log()


async def test_up_starts_without_the_valkey_it_is_given_and_executes_once_it_answers(own_engine: Engine) -> None:
    valkey = EmbeddedValkey()
    own_engine.settings = {"REDIS_URL": valkey.url}
    own_engine.start(within=SLOW)
    try:
        async with own_engine.client() as client:
            accepted = await submit(client)
            checks = (await client.get("/health/ready")).json()["checks"]
            assert any(check["name"] == "valkey" and not check["ok"] for check in checks)
            assert "Valkey does not answer at 127.0.0.1" in own_engine.log()
            await asyncio.to_thread(valkey.start)
            [order] = (await ended(client, [accepted])).values()
            assert order["status"] == "confirmed", order
    finally:
        own_engine.stop()
        valkey.stop()
    assert "Traceback" not in own_engine.log()


async def test_up_still_refuses_a_postgresql_that_does_not_answer(own_engine: Engine) -> None:
    own_engine.settings = {"DATABASE_URL": f"postgresql://surefill:surefill@127.0.0.1:{free_port()}/surefill"}
    assert "PostgreSQL is not to be had at" in refused(own_engine)
