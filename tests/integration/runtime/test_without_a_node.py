"""The engine's roles while no Solana node answers at the start, and once one does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from structlog.testing import capture_logs

from api import comparison_patience
from chains.wallet import Wallet
from runtime import chain_identity
from runtime.errors import StartupError
from runtime.roles.process import run_roles
from runtime.settings import Settings
from tests.integration.api.serving import BODY
from tests.integration.chains.endpoint_server import Request, altering, rpc, serving
from tests.integration.conftest import TestDatabase
from tests.integration.embedded import EmbeddedValkey
from tests.integration.localnet.local_node import LocalNode
from tests.integration.runtime.test_preconditions import append_order_for, append_signed_for
from tests.ports import free_port

WITHIN = 60.0
MAINNET = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"
WAITS = "waiting for the chain's node"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[LocalNode]:
    """Not started yet: nothing answers at its address."""
    later = LocalNode(tmp_path / "localnet", free_port(), slot_ms=50)
    later.directory.mkdir()
    yield later
    later.stop()


@pytest.fixture
def settings(database: TestDatabase, valkey: EmbeddedValkey, node: LocalNode, tmp_path: Path) -> Settings:
    Wallet.create(tmp_path / "wallet.json")
    return Settings(
        port=free_port(), database_url=database.app, redis_url=valkey.url, solana_rpc_url=node.url, data_dir=tmp_path
    )


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node of another chain is asked again soon."""
    monkeypatch.setattr(chain_identity, "AGAIN_S", 0.1)


@asynccontextmanager
async def role(name: str, settings: Settings) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(run_roles(settings, [name]))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(holds: Callable[[], Awaitable[Any]]) -> Any:
    """What ``holds`` gives once that is something."""
    async with asyncio.timeout(WITHIN):
        while not (found := await holds()):
            await asyncio.sleep(0.02)
    return found


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    """The API's role, and a client once it listens."""
    url = f"http://127.0.0.1:{settings.port}"
    async with role("api", settings) as serving_api, httpx2.AsyncClient(base_url=url, trust_env=False) as http:

        async def listens() -> bool:
            assert not serving_api.done(), serving_api
            try:
                return (await http.get("/health/live")).status_code == 200
            except httpx2.TransportError:
                return False

        await until(listens)
        yield http


async def check(http: httpx2.AsyncClient, name: str) -> dict[str, Any]:
    """One of readiness's checks."""
    ready = await http.get("/health/ready")
    assert ready.status_code == 200, ready.text
    [found] = [one for one in ready.json()["checks"] if one["name"] == name]
    assert found["ok"] or ready.json()["status"] == "degraded"
    return dict(found)


async def submit(http: httpx2.AsyncClient) -> httpx2.Response:
    return await http.post("/api/orders/execute", json=BODY)


async def test_on_an_empty_log_orders_are_refused_until_the_node_answers_and_reads_are_served(
    settings: Settings, node: LocalNode
) -> None:
    async with served(settings) as http:
        refused = await submit(http)
        assert (refused.status_code, refused.json()["code"]) == (503, "chain_unknown")
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.headers["retry-after"]
        assert "`chain` of GET /health/ready" in refused.json()["detail"]
        assert (await http.get("/api/orders")).json()["items"] == []
        assert "network" not in (await http.get("/api/network")).json()
        reason = (await check(http, "chain"))["reason"]
        assert "127.0.0.1 (SOLANA_RPC_URL)" in reason
        assert reason.endswith(": ConnectError")

        await asyncio.to_thread(node.start)

        async def accepted() -> bool:
            return (await submit(http)).status_code == 202

        await until(accepted)
        network = (await http.get("/api/network")).json()
        assert (network["network"], network["venues"]) == ("localnet", ["Meteora", "Orca", "Raydium"])
        assert await check(http, "chain") == {"name": "chain", "ok": True}


async def test_the_log_tells_the_network_while_the_node_does_not_answer(
    settings: Settings, database: TestDatabase
) -> None:
    await append_order_for("devnet", database.app)
    async with served(settings) as http:
        accepted = await submit(http)
        assert accepted.status_code == 202, accepted.text
        assert (await http.get(accepted.json()["links"]["order"])).json()["network"] == "devnet"
        assert not (await check(http, "chain"))["ok"]


async def test_an_order_from_before_the_start_is_cancelled_once_the_wallets_history_was_compared(
    settings: Settings, database: TestDatabase, node: LocalNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was taken since, under an id that nobody had before, is cancelled at once."""
    monkeypatch.setattr(comparison_patience, "PATIENCE_S", 0.3)
    before = await append_order_for("localnet", database.app)
    async with served(settings) as http:
        fresh = (await submit(http)).json()["orderId"]
        assert (await http.post(f"/api/orders/{fresh}/cancel")).status_code == 202
        refused = await http.post(f"/api/orders/{before}/cancel")
        assert (refused.status_code, refused.json()["code"]) == (503, "history_not_compared")
        await asyncio.to_thread(node.start)
        async with role("tracker", settings):

            async def cancelled() -> bool:
                return (await http.post(f"/api/orders/{before}/cancel")).status_code == 202

            await until(cancelled)


async def test_a_node_of_another_chain_is_named_by_readiness_and_only_reads_go_on(
    settings: Settings, database: TestDatabase, node: LocalNode
) -> None:
    await append_signed_for("theirs", database.app)
    async with served(settings) as http:
        first = await submit(http)
        assert first.status_code == 202
        await asyncio.to_thread(node.start)

        async def reason() -> str:
            found = str((await check(http, "chain"))["reason"])
            return found if "genesis theirs" in found else ""

        await until(reason)
        refused = await submit(http)
        assert (refused.status_code, refused.json()["code"]) == (503, "wrong_chain")
        assert "genesis theirs" in refused.json()["detail"]
        assert (await http.get(first.json()["links"]["order"])).status_code == 200
        assert (await http.get("/api/network")).json()["network"] == "localnet"
    for name in ("worker", "tracker", "watcher"):
        async with role(name, settings) as refusing:
            with pytest.raises(StartupError, match="genesis theirs"):
                await asyncio.wait_for(refusing, WITHIN)


async def test_a_node_that_served_another_chain_for_a_moment_is_asked_again(
    settings: Settings, database: TestDatabase, node: LocalNode
) -> None:
    await append_signed_for("ours", database.app)
    await asyncio.to_thread(node.start)
    is_ours = False

    def genesis(params: object, result: object) -> object:
        return "ours" if is_ours else result

    async with (
        httpx2.AsyncClient(base_url=node.url, trust_env=False) as forwarded,
        serving(altering(forwarded, {"getGenesisHash": genesis})) as url,
        served(settings.model_copy(update={"solana_rpc_url": url})) as http,
    ):

        async def refused() -> bool:
            return (await submit(http)).json().get("code") == "wrong_chain"

        async def accepted() -> bool:
            return (await submit(http)).status_code == 202 and bool((await check(http, "chain"))["ok"])

        await until(refused)
        is_ours = True
        await until(accepted)


@dataclass
class Mistaken:
    """A node that says it serves mainnet, for as long as it is ``wrong``."""

    wrong: bool = True

    def genesis(self, _: object, result: object) -> object:
        return MAINNET if self.wrong else result


@asynccontextmanager
async def mistaken(node: LocalNode) -> AsyncIterator[tuple[Mistaken, str]]:
    await asyncio.to_thread(node.start)
    lie = Mistaken()
    async with (
        httpx2.AsyncClient(base_url=node.url, trust_env=False) as forwarded,
        serving(altering(forwarded, {"getGenesisHash": lie.genesis})) as url,
    ):
        yield lie, url


async def test_an_empty_log_is_bound_to_no_chain_that_another_endpoint_contradicts(
    settings: Settings, node: LocalNode
) -> None:
    async with mistaken(node) as (lie, url):
        disputed = settings.model_copy(update={"solana_rpc_url": url, "solana_evidence_rpc_urls": (node.url,)})
        async with served(disputed) as http:

            async def said() -> bool:
                return "one of them is wrong" in (await check(http, "chain"))["reason"]

            await until(said)
            refused = await submit(http)
            assert (refused.status_code, refused.json()["code"]) == (503, "chain_unknown")
            lie.wrong = False

            async def accepted() -> httpx2.Response | None:
                answer = await submit(http)
                return answer if answer.status_code == 202 else None

            links = (await until(accepted)).json()["links"]
            assert (await http.get(links["order"])).json()["network"] == "localnet"


async def test_readiness_says_that_no_blockhash_can_be_built_with_and_is_well_once_one_can(
    settings: Settings, node: LocalNode
) -> None:
    life: dict[str, int] = {"lastValidBlockHeight": -5}

    def latest(_: object, result: dict[str, Any]) -> dict[str, Any]:
        return {**result, "value": {**result["value"], **life}}

    await asyncio.to_thread(node.start)
    async with (
        httpx2.AsyncClient(base_url=node.url, trust_env=False) as forwarded,
        serving(altering(forwarded, {"getLatestBlockhash": latest})) as url,
        served(settings.model_copy(update={"solana_rpc_url": url})) as http,
    ):

        async def said() -> bool:
            return "gives no blockhash to build with" in str((await check(http, "rpc")).get("reason"))

        async def well() -> bool:
            return bool((await check(http, "rpc"))["ok"])

        await until(said)
        life.clear()
        await until(well)


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """The node is asked often whether it still serves the chain that it named."""
    monkeypatch.setattr(chain_identity, "STILL_S", 0.05)


@asynccontextmanager
async def believed(settings: Settings, network: str) -> AsyncIterator[asyncio.Task[None]]:
    """The API's role, once it takes the chain to be ``network``."""
    url = f"http://127.0.0.1:{settings.port}"
    async with role("api", settings) as api, httpx2.AsyncClient(base_url=url, trust_env=False) as http:

        async def takes_it() -> bool:
            assert not api.done(), api
            try:
                return (await http.get("/api/network")).json().get("network") == network
            except httpx2.TransportError:
                return False

        await until(takes_it)
        yield api


@pytest.mark.usefixtures("often")
async def test_a_process_begins_anew_where_the_node_names_another_chain_before_anything_is_signed(
    settings: Settings, node: LocalNode
) -> None:
    async with (
        mistaken(node) as (lie, url),
        believed(settings.model_copy(update={"solana_rpc_url": url}), "mainnet-beta") as api,
    ):
        lie.wrong = False
        with pytest.raises(StartupError, match=rf"genesis {MAINNET}, and says .* the process begins anew"):
            await asyncio.wait_for(api, WITHIN)


@pytest.mark.usefixtures("often")
async def test_a_process_begins_anew_where_another_signed_for_another_chain_than_the_node_named_to_this_one(
    settings: Settings, database: TestDatabase, node: LocalNode
) -> None:
    async with (
        mistaken(node) as (_, url),
        believed(settings.model_copy(update={"solana_rpc_url": url}), "mainnet-beta") as api,
    ):
        ours = str(node.call("getGenesisHash"))
        await append_signed_for(ours, database.app)
        with pytest.raises(StartupError, match=rf"genesis {MAINNET}, and the log's transactions are for {ours}"):
            await asyncio.wait_for(api, WITHIN)


@pytest.mark.usefixtures("often")
async def test_once_the_log_has_a_transaction_no_process_ends_by_what_the_node_says_of_its_chain(
    settings: Settings, database: TestDatabase, node: LocalNode
) -> None:
    async with mistaken(node) as (lie, url):
        await append_signed_for(str(node.call("getGenesisHash")), database.app)
        lie.wrong = False
        async with believed(settings.model_copy(update={"solana_rpc_url": url}), "localnet") as api:
            lie.wrong = True
            ended, _ = await asyncio.wait({api}, timeout=1.0)
            assert not ended, api


@pytest.mark.parametrize("name", ["tracker", "watcher", "worker"])
async def test_a_role_that_trades_waits_for_the_node_and_says_so_once(
    name: str, settings: Settings, database: TestDatabase, node: LocalNode
) -> None:
    with capture_logs() as logs:
        async with role(name, settings) as waiting:

            async def said() -> list[str]:
                assert not waiting.done(), waiting
                return [line["log_level"] for line in logs if line["event"] == WAITS]

            await until(said)
            await asyncio.sleep(1.5)
            assert await said() == ["warning"]
            await asyncio.to_thread(node.start)

            async def answered() -> bool:
                assert not waiting.done(), waiting
                return any(line["event"] == "the chain's node answers" for line in logs)

            await until(answered)
            await asyncio.sleep(0.2)
            assert not waiting.done(), waiting
    assert [line["event"] for line in logs].count(WAITS) == 1


async def test_an_evidence_endpoint_of_another_chain_is_named_by_its_host(settings: Settings, node: LocalNode) -> None:
    async def foreign(request: Request) -> bytes:
        return rpc(request, result="another")

    await asyncio.to_thread(node.start)
    async with serving(foreign) as foreign_url:
        with_evidence = settings.model_copy(update={"solana_evidence_rpc_urls": (f"{foreign_url}/key", node.url)})
        async with served(with_evidence) as http:

            async def named() -> str:
                reason = str((await check(http, "evidence")).get("reason"))
                is_compared = "has not been compared" not in reason
                return reason if "another chain" in reason and is_compared else ""

            reason = await until(named)
            assert reason.startswith(foreign_url.removeprefix("http://"))
            assert "key" not in reason
            assert node.url.removeprefix("http://") not in reason


async def test_an_evidence_endpoint_that_does_not_answer_at_the_start_is_compared_later(
    settings: Settings, node: LocalNode
) -> None:
    genesis_hash = "theirs"

    async def later(request: Request) -> bytes:  # of another chain by mistake, for a while
        return rpc(request, result=genesis_hash)

    await asyncio.to_thread(node.start)
    port = free_port()
    with_evidence = settings.model_copy(update={"solana_evidence_rpc_urls": (f"http://127.0.0.1:{port}",)})
    async with served(with_evidence) as http:

        async def says(words: str) -> bool:
            return words in str((await check(http, "evidence")).get("reason"))

        await until(lambda: says("has not answered"))
        async with serving(later, port=port):
            await until(lambda: says("another chain"))
            genesis_hash = node.call("getGenesisHash")

            async def well() -> bool:
                return bool((await check(http, "evidence"))["ok"])

            await until(well)


async def test_an_evidence_endpoint_of_this_chain_is_well(settings: Settings, node: LocalNode) -> None:
    await asyncio.to_thread(node.start)
    async with served(settings.model_copy(update={"solana_evidence_rpc_urls": (node.url,)})) as http:

        async def well() -> bool:
            return bool((await check(http, "evidence"))["ok"])

        await until(well)


async def test_the_api_starts_without_valkey_and_says_so(settings: Settings, node: LocalNode) -> None:
    await asyncio.to_thread(node.start)
    async with served(settings.model_copy(update={"redis_url": f"redis://127.0.0.1:{free_port()}/0"})) as http:
        assert not (await check(http, "valkey"))["ok"]

        async def accepted() -> bool:
            return (await submit(http)).status_code == 202

        await until(accepted)
