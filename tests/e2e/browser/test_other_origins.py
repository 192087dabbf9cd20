"""A web page of elsewhere, open in the browser of whoever runs the engine, gets nothing and changes nothing."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from solana.rpc.async_api import AsyncClient
from solana.rpc.commitment import Processed
from solders.keypair import Keypair

from tests.e2e.browser.chromium import FOREIGN, Page
from tests.e2e.engine import Engine, body

pytestmark = pytest.mark.browser

READ = """fetch(%s, %s).then(async (answer) => [answer.type, answer.status, await answer.text()], () => 'refused')"""
STREAM = """new Promise((told) => {
    const messages = [];
    const socket = new WebSocket(%s);
    socket.onmessage = ({ data }) => messages.push(data);
    socket.onclose = () => told(messages);
    setTimeout(() => told(messages), 5000);
})"""
NEWEST_SLOT = {"jsonrpc": "2.0", "id": 1, "method": "getSlot"}


async def fetched(page: Page, url: str, **options: Any) -> Any:
    """What the page's own script can read of the answer: its type, its status, its text; or that it was refused."""
    return await page.evaluate(READ % (json.dumps(url), json.dumps(options)))


async def orders(engine: Engine) -> int:
    async with engine.client() as client:
        return len((await client.get("/api/orders?limit=200")).json()["items"])


async def rpc(engine: Engine) -> str:
    async with engine.client() as client:
        return str((await client.get("/api/network")).json()["rpcUrl"])


@pytest.fixture(params=["127.0.0.1", "localhost", FOREIGN])
async def foreign_page(page: Page, elsewhere: int, request: pytest.FixtureRequest) -> Page:
    """A page from another port of this machine, or of a name that leads here."""
    await page.open(f"http://{request.param}:{elsewhere}/")
    return page


async def test_it_reads_nothing_over_rest(engine: Engine, first_order: str, foreign_page: Page) -> None:
    for path in ("/api/orders", f"/api/orders/{first_order}", "/api/network", "/health/ready", "/docs/openapi.json"):
        assert await fetched(foreign_page, engine.url + path) == "refused"
        assert await fetched(foreign_page, engine.url + path, mode="no-cors") in ("refused", ["opaque", 0, ""])


async def test_it_submits_no_order(engine: Engine, first_order: str, foreign_page: Page) -> None:
    before = await orders(engine)
    order = json.dumps(body(clientOrderId="from-elsewhere"))
    url = f"{engine.url}/api/orders/execute"
    for kind in ("application/json", "text/plain"):
        assert await fetched(foreign_page, url, method="POST", body=order, headers={"content-type": kind}) == "refused"
    await fetched(foreign_page, url, method="POST", body=order, mode="no-cors", headers={"content-type": "text/plain"})
    assert await orders(engine) == before


async def test_it_hears_nothing_over_websocket(engine: Engine, first_order: str, foreign_page: Page) -> None:
    for host in ("127.0.0.1", "localhost"):
        url = f"ws://{host}:{engine.port}/ws/orders/{first_order}"
        assert await foreign_page.evaluate(STREAM % json.dumps(url)) == []


async def test_it_gets_nothing_from_the_node(engine: Engine, first_order: str, foreign_page: Page) -> None:
    for kind in ("application/json", "text/plain"):
        asked = {"method": "POST", "body": json.dumps(NEWEST_SLOT), "headers": {"content-type": kind}}
        assert await fetched(foreign_page, await rpc(engine), **asked) == "refused"


async def test_it_moves_nothing_at_the_node(engine: Engine, first_order: str, foreign_page: Page) -> None:
    """What a page can send without asking first is no JSON by its type, and its answer can't be read."""
    anybody = Keypair().pubkey()
    airdrop = {"jsonrpc": "2.0", "id": 1, "method": "requestAirdrop", "params": [str(anybody), 1_000_000_000]}
    url = await rpc(engine)
    asked = {"method": "POST", "body": json.dumps(airdrop), "headers": {"content-type": "text/plain"}}
    await fetched(foreign_page, url, mode="no-cors", **asked)
    await asyncio.sleep(1)
    async with AsyncClient(url) as node:
        assert (await node.get_balance(anybody, Processed)).value == 0


async def test_a_name_that_was_bound_to_this_machine_is_not_answered(
    engine: Engine, first_order: str, page: Page, elsewhere: int
) -> None:
    """DNS rebinding: to the browser the page and the engine are one origin, so that it lets the page read."""
    await page.open(f"http://{FOREIGN}:{engine.port}/docs")
    kind, status, text = await fetched(page, f"/api/orders/{first_order}")
    assert (kind, status // 100) == ("basic", 4)
    assert "txHash" not in text
    stream = json.dumps(f"ws://{FOREIGN}:{engine.port}/ws/orders/{first_order}")
    assert await page.evaluate(STREAM % stream) == []
    node = (await rpc(engine)).rpartition(":")[2]
    await page.open(f"http://{FOREIGN}:{node}/")
    asked = {"method": "POST", "body": json.dumps(NEWEST_SLOT), "headers": {"content-type": "application/json"}}
    kind, status, text = await fetched(page, "/", **asked)
    assert (kind, status // 100) == ("basic", 4)
    assert "result" not in text
