"""`surefill doctor` beside a real chain and beside what isn't one: what is wrong is named, and nothing is sent."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from aiohttp import web

from chains.errors import SignerError
from chains.guard import GUARD_BYTES
from chains.http_signer import HttpSigner
from chains.solana_client import SolanaChain
from chains.transactions import compose_canary
from chains.wallet import Wallet, read_keypair
from cli.doctor import examine
from runtime.doctor.chain import by_verdict
from runtime.doctor.finding import Finding
from runtime.settings import Settings
from tests.integration.chains.endpoint_server import Alter, Request, altering
from tests.integration.chains.endpoint_server import serving as serving_rpc
from tests.integration.workers.conftest import rpc_url
from tests.stubs.jupiter import JupiterStub, running_jupiter, serving
from tests.stubs.raydium import running_raydium
from tests.unit.chains.test_signer import SignerStub
from venues.constant_product import PROGRAM_ID
from venues.pools import PoolBook

__all__ = ["rpc_url"]


SOURCE = {name: value for name, value in os.environ.items() if name == "PYTHONPATH"}
LANDED = {"slot": 5, "confirmations": None, "err": None, "confirmationStatus": "finalized"}


def settings(tmp_path: Path, url: str, **changes: Any) -> Settings:
    return Settings(solana_rpc_url=url, data_dir=tmp_path, **changes)


def named(found: list[Finding]) -> dict[str, tuple[str, str]]:
    return {one.what: (one.verdict, one.sentence) for one in found}


async def test_beside_a_chain_with_everything_there_is_nothing_wrong(rpc_url: str, tmp_path: Path) -> None:
    found = await examine(settings(tmp_path, rpc_url))
    assert [one for one in found if one.verdict == "wrong"] == []
    assert {"rpc", "clock", "wallet", "balance", "tokens", "guard key", "simulation", "venues", "prices"} <= named(
        found
    ).keys()
    assert named(found)["rpc"][1].startswith("localnet, block height")
    assert "USDC for 0.01 SOL" in named(found)["venues"][1]
    # What isn't wrong and still worth knowing comes with what to do.
    assert {one.what for one in found if one.verdict == "look"} == {"evidence", "guard key"}
    assert all(one.advice for one in found if one.verdict != "well")


@pytest.mark.parametrize(
    "answer",
    ["<html>not a node</html>", '{"jsonrpc": "2.0", "id": 1', '{"jsonrpc":"2.0","id":1,"result":7}', "[]", ""],
)
async def test_an_address_that_answers_nonsense_is_named(answer: str, tmp_path: Path) -> None:
    async def nonsense(_: web.Request) -> web.Response:
        return web.Response(text=answer)

    Wallet.create(tmp_path / "wallet.json")
    async with serving(JupiterStub(None), web.post("/", nonsense)) as url:  # type: ignore[arg-type]
        found = await examine(settings(tmp_path, url))
    assert found[0].what == "rpc"
    assert found[0].verdict == "wrong"
    assert "SOLANA_RPC_URL" in found[0].sentence
    assert found[0].advice


async def test_an_address_where_nobody_listens_is_named_without_its_key(tmp_path: Path) -> None:
    Wallet.create(tmp_path / "wallet.json")
    found = await examine(settings(tmp_path, "http://127.0.0.1:1/?api-key=hunter2"))
    assert found[0].verdict == "wrong"
    assert "hunter2" not in str(found)


async def test_a_wallet_that_cannot_be_used_is_named(rpc_url: str, tmp_path: Path) -> None:
    (tmp_path / "wallet.json").chmod(0o644)
    found = named(await examine(settings(tmp_path, rpc_url)))
    assert found["wallet"][0] == "wrong"
    assert "chmod 600" in found["wallet"][1]


async def test_a_signer_elsewhere_is_connected_to_and_asked_for_nothing(rpc_url: str, tmp_path: Path) -> None:
    stub = SignerStub(key=read_keypair(tmp_path / "wallet.json"))
    address = str(stub.key.pubkey())

    def with_signer(url: str) -> Settings:
        return settings(tmp_path, rpc_url, signer_url=url, wallet_address=address, guard_key="11" * 32)

    async with serving(stub, web.post("/", stub.sign)) as url:
        there = named(await examine(with_signer(f"{url}/hunter2")))["wallet"]
    found = await examine(with_signer(f"{url}/hunter2"))
    assert there == ("well", f"{address}: somebody is at SIGNER_URL, and is not asked for a signature here")
    assert stub.asked == []
    gone = named(found)["wallet"]
    assert gone == ("wrong", f"{address}: at SIGNER_URL nobody can be connected to: ConnectionRefusedError")
    assert "hunter2" not in str(found)
    # What else there is to see of the wallet is looked at all the same.
    assert named(found)["balance"][0] == "well"


async def test_a_signer_that_does_not_speak_tls_is_named() -> None:
    async with serving(SignerStub()) as url:
        signer = HttpSigner(url.replace("http://", "https://"), str(SignerStub().key.pubkey()), timeout=2.0)
        with pytest.raises(SignerError, match="nobody can be connected to: "):
            await signer.connect()


async def test_a_wallet_without_lamports_is_told_how_many(rpc_url: str, tmp_path: Path) -> None:
    Wallet.create(tmp_path / "empty.json")
    found = await examine(settings(tmp_path, rpc_url, wallet_keypair=tmp_path / "empty.json"))
    told = named(found)
    assert told["balance"][0] == "wrong"
    assert told["tokens"] == ("look", "the wallet's token accounts hold nothing to sell")
    [balance] = [one for one in found if one.what == "balance"]
    assert "0.0703928 SOL" in balance.advice


@asynccontextmanager
async def altered(rpc_url: str, **changes: Alter) -> AsyncIterator[str]:
    """The address of a node that answers as the one at ``rpc_url``, but for the results of some methods."""
    async with httpx2.AsyncClient(base_url=rpc_url) as node, serving_rpc(altering(node, changes)) as url:
        yield url


async def test_a_genesis_hash_that_is_none_is_named(rpc_url: str, tmp_path: Path) -> None:
    async with altered(rpc_url, getGenesisHash=lambda _, genesis: "localnet") as url:
        found = await examine(settings(tmp_path, url))
    assert (found[0].what, found[0].verdict) == ("rpc", "wrong")
    assert "no genesis hash" in found[0].sentence


@pytest.mark.parametrize(
    ("method", "alter", "says"),
    [
        ("getSignatureStatuses", lambda _, said: said | {"value": []}, "not every status was answered"),
        ("getSignatureStatuses", lambda _, said: said | {"value": [LANDED]}, "shows as landed what nobody ever sent"),
        ("isBlockhashValid", lambda _, said: None, "isBlockhashValid was answered in a form that can't be read"),
        ("getEpochInfo", lambda _, said: None, "getEpochInfo was answered in a form that can't be read"),
    ],
)
async def test_an_endpoint_that_cannot_tell_what_became_of_an_order_is_named(
    rpc_url: str, tmp_path: Path, method: str, alter: Alter, says: str
) -> None:
    async with altered(rpc_url, **{method: alter}) as url:
        of_main = named(await examine(settings(tmp_path, url)))
        beside = await examine(settings(tmp_path, rpc_url, solana_evidence_rpc_urls=url))
    assert of_main["outcomes"][0] == "wrong"
    assert says in of_main["outcomes"][1]
    [main, other] = [one for one in beside if one.what == "outcomes"]
    assert (main.verdict, other.verdict) == ("well", "wrong")
    assert says in other.sentence


async def test_an_endpoint_far_ahead_is_named_and_not_the_main_one(rpc_url: str, tmp_path: Path) -> None:
    async with altered(rpc_url, getBlockHeight=lambda _, height: height + 10**6) as url:
        found = await examine(settings(tmp_path, rpc_url, solana_evidence_rpc_urls=url))
    assert (found[0].what, found[0].verdict) == ("evidence", "wrong")
    assert found[0].sentence.startswith(url.removeprefix("http://"))


@pytest.mark.parametrize(("off", "says"), [(3600, "behind the newest block"), (-3600, "s old by this machine's clock")])
async def test_a_clock_that_is_off_either_way_is_named(rpc_url: str, tmp_path: Path, off: int, says: str) -> None:
    async with altered(rpc_url, getBlockTime=lambda _, seconds: seconds + off) as url:
        found = named(await examine(settings(tmp_path, url)))
    assert found["clock"][0] == "look"
    assert says in found["clock"][1]


async def make_canary(rpc_url: str, file: Path) -> None:
    wallet = Wallet.load(file)
    async with SolanaChain(rpc_url) as chain:
        rent, latest = await chain.rent(GUARD_BYTES), await chain.latest_blockhash()
        guard = wallet.guard_key().canary(wallet.address)
        message = compose_canary(guard.instructions(rent), wallet=wallet.address, blockhash=latest.blockhash)
        assert await chain.send(bytes(await wallet.signed(message))) == "accepted"
        async with asyncio.timeout(20):
            while not await chain.is_finalized(guard.address):
                await asyncio.sleep(0.05)


def without_calls(_: Request, result: dict[str, Any]) -> dict[str, Any]:
    return {**result, "value": {**result["value"], "innerInstructions": None}}


def with_no_calls(_: Request, result: dict[str, Any]) -> dict[str, Any]:
    return {**result, "value": {**result["value"], "innerInstructions": []}}


def with_odd_calls(_: Request, result: dict[str, Any]) -> dict[str, Any]:
    calls = [{"index": 0, "instructions": [{"what": "ever"}]}]
    return {**result, "value": {**result["value"], "innerInstructions": calls}}


async def test_a_node_that_does_not_show_calls_is_named_also_once_the_canary_is_there(
    rpc_url: str, tmp_path: Path
) -> None:
    await make_canary(rpc_url, tmp_path / "wallet.json")
    found = named(await examine(settings(tmp_path, rpc_url)))
    assert found["guard key"] == ("well", "the canary of this key is on the chain")
    assert found["simulation"][0] == "well"
    for alter in (without_calls, with_no_calls, with_odd_calls):
        async with altered(rpc_url, simulateTransaction=alter) as url:
            found = named(await examine(settings(tmp_path, url)))
        assert found["guard key"][0] == "well"
        assert found["simulation"][0] == "wrong"
        assert "no remote swap is signed" in found["simulation"][1]


async def test_a_remote_venue_is_asked_once_and_its_error_comes_with_what_to_do(rpc_url: str, tmp_path: Path) -> None:
    async with SolanaChain(rpc_url) as chain, running_jupiter(PoolBook(chain, PROGRAM_ID)) as stub:
        asked = settings(tmp_path, rpc_url, venues="jupiter", jupiter_url=stub.url)
        well = named(await examine(asked))
        stub.next_answers.append((401, {"message": "Unauthorized"}, {}))
        found = await examine(asked)
        assert len(stub.asked) == 2
    assert well["venues"][0] == "well"
    [venue] = [one for one in found if one.what == "venues"]
    assert (venue.verdict, venue.advice) == ("wrong", "check JUPITER_API_KEY")
    assert "venue_unauthorized" in venue.sentence


@pytest.mark.parametrize("status", [401, 403, 429])
async def test_raydiums_refusal_comes_with_advice_about_raydium(rpc_url: str, tmp_path: Path, status: int) -> None:
    async with SolanaChain(rpc_url) as chain, running_raydium(PoolBook(chain, PROGRAM_ID)) as stub:
        stub.next_answers.append((status, {}, {}))
        found = await examine(settings(tmp_path, rpc_url, venues="raydium", raydium_url=stub.url))
    [venue] = [one for one in found if one.what == "venues"]
    assert venue.verdict == "wrong"
    assert "RAYDIUM_" in venue.advice
    assert not [word for word in ("JUPITER", "plan") if word in venue.advice]


@pytest.mark.parametrize("ticks", [None, "no ticks"])
async def test_a_file_of_ticks_that_cannot_be_read_hides_nothing_else(
    rpc_url: str, tmp_path: Path, ticks: str | None
) -> None:
    file = tmp_path / "ticks.jsonl"
    if ticks:
        file.write_text(ticks)
    found = await examine(settings(tmp_path, rpc_url, price_source=f"file:{file}"))
    assert {"rpc", "wallet", "balance", "venues"} <= named(found).keys()
    [prices] = [one for one in found if one.verdict == "wrong"]
    assert prices.what == "prices"
    assert prices.sentence.startswith("PRICE_SOURCE names a file ")
    assert str(file) in prices.sentence
    assert by_verdict(found) == 1


async def test_the_command_prints_it_and_exits_by_what_it_found(rpc_url: str, tmp_path: Path) -> None:
    async def run(**environment: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("surefill"),
            "doctor",
            env={"DATA_DIR": str(tmp_path), "PATH": "/usr/bin:/bin", **SOURCE, **environment},
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate()
        return process.returncode or 0, out.decode()

    code, out = await run(SOLANA_RPC_URL=rpc_url)
    assert code == 0
    assert out.startswith("ok    rpc: localnet")
    assert "look  guard key: " in out
    # Nothing but what was found, also where a service gives a line for the log.
    _, out = await run(SOLANA_RPC_URL=rpc_url, PRICE_SOURCE="jupiter", JUPITER_PRICE_URL="http://127.0.0.1:1")
    assert {line[:5] for line in out.splitlines()} <= {"ok   ", "look ", "WRONG", "     "}
    code, out = await run(SOLANA_RPC_URL="http://127.0.0.1:1")
    assert code == 1
    assert out.startswith("WRONG rpc: ")
    assert "      -> " in out
