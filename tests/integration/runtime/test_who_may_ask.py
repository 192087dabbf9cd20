"""The settings of who may ask reach each server that a role runs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx2
import pytest

from chains.wallet import Wallet
from runtime.embedded.ports import is_free
from runtime.roles import localnet
from runtime.settings import Settings
from tests.integration.conftest import TestDatabase
from tests.integration.embedded import EmbeddedValkey
from tests.integration.runtime.test_without_a_node import served
from tests.ports import free_port

HEALTH = {"jsonrpc": "2.0", "id": 1, "method": "getHealth"}


@pytest.fixture
def settings(database: TestDatabase, valkey: EmbeddedValkey, tmp_path: Path) -> Settings:
    """Of an engine that one name, one page and one proxy may ask; its chain is not started yet."""
    Wallet.create(tmp_path / "wallet.json")
    chain = free_port()
    return Settings(
        port=free_port(),
        database_url=database.app,
        redis_url=valkey.url,
        solana_rpc_url=f"http://127.0.0.1:{chain}",
        localnet_port=chain,
        data_dir=tmp_path,
        allowed_hosts=("trade.lan",),
        allowed_origins=("https://desk.example",),
        allow_forwarded=True,
    )


async def codes(http: httpx2.AsyncClient, method: str, path: str, **more: object) -> list[str]:
    """The code of each refusal, or the status, of a request by each name, page and proxy."""
    asked = (
        {"host": "trade.lan", "origin": "https://desk.example", "x-forwarded-for": "203.0.113.5"},
        {"host": "evil.example"},
        {"origin": "https://evil.example"},
    )
    answers = [await http.request(method, path, headers=headers, **more) for headers in asked]  # type: ignore[arg-type]
    return [str(found.status_code) if found.status_code == 200 else found.json()["code"] for found in answers]


ADMITTED = ["200", "host_not_allowed", "origin_not_allowed"]


async def test_the_api_knows_who_may_ask(settings: Settings) -> None:
    async with served(settings) as http:
        assert await codes(http, "GET", "/health/live") == ADMITTED


def listens_on(host: str) -> bool:
    try:
        return is_free(host, 0)
    except OSError:  # many a container is without IPv6
        return False


@pytest.mark.parametrize(("host", "named"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")])
async def test_the_local_chain_knows_who_may_ask(settings: Settings, host: str, named: str) -> None:
    if not listens_on(host):
        pytest.skip(f"this machine has no {host}")
    running = asyncio.create_task(localnet.run(settings.model_copy(update={"localnet_host": host})))
    url = f"http://{named}:{settings.localnet_port}"
    async with httpx2.AsyncClient(base_url=url, trust_env=False) as http:
        async with asyncio.timeout(60):
            while True:
                assert not running.done(), running
                try:
                    await http.get("/health")
                    break
                except httpx2.TransportError:
                    await asyncio.sleep(0.05)
        found = await codes(http, "POST", "/", json=HEALTH)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert found == ADMITTED
