"""`surefill doctor` beside landers: tip accounts that no tip can arrive at, and landers that can't be reached."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from solders.keypair import Keypair

from chains.own_accounts import token_account
from chains.wallet import Wallet, read_keypair
from cli.doctor import examine
from domain.tokens import SOL
from localnet.keys import FAUCET_KEY
from runtime.doctor.chain import by_verdict
from runtime.doctor.finding import Finding
from runtime.settings import Settings
from tests.integration.chains.endpoint_server import Request, always, http, rpc, serving
from tests.integration.workers.conftest import rpc_url
from tests.stubs.landers import jito_stub, landers, sender_stub
from venues.constant_product import PROGRAM_ID

__all__ = ["rpc_url"]

NOBODY = "http://127.0.0.1:1"
CLOCK = "SysvarC1ock11111111111111111111111111111111"


async def looked(tmp_path: Path, rpc_url: str, what: str, **changes: Any) -> list[Finding]:
    found = await examine(Settings(solana_rpc_url=rpc_url, data_dir=tmp_path, **changes))
    assert {"wallet", "venues", "prices"} <= {one.what for one in found}
    assert all(one.advice for one in found if one.verdict != "well")
    return [one for one in found if one.what == what]


def rich(tmp_path: Path) -> str:
    """Somebody else's account, which there is."""
    return str(read_keypair(tmp_path / "chain" / FAUCET_KEY).pubkey())


async def test_without_landers_nothing_is_said_of_them(rpc_url: str, tmp_path: Path) -> None:
    found = await examine(Settings(solana_rpc_url=rpc_url, data_dir=tmp_path))
    assert not [one for one in found if one.what in ("tips", "landers")]


async def test_landers_that_answer_and_accounts_that_tips_arrive_at_are_well(rpc_url: str, tmp_path: Path) -> None:
    accounts = (rich(tmp_path),)
    jito, sender = jito_stub(accounts, rpc_url), sender_stub(accounts, rpc_url)
    async with landers(jito, sender):
        changes = {
            "jito_url": f"{jito.url}?uuid=hunter2",
            "jito_tip_accounts": accounts,
            "sender_url": sender.url,
            "sender_tip_accounts": accounts,
            "lander_urls": rpc_url,
        }
        tips = await looked(tmp_path, rpc_url, "tips", **changes)
        there = await looked(tmp_path, rpc_url, "landers", **changes)
    assert [(one.verdict, one.sentence) for one in tips] == [
        ("well", "JITO_TIP_ACCOUNTS: a tip of 10000 lamports can arrive at each of 1"),
        ("well", "SENDER_TIP_ACCOUNTS: a tip of 1000000 lamports can arrive at each of 1"),
    ]
    assert [one.verdict for one in there] == ["well"] * 3
    assert "hunter2" not in str(there)
    assert (jito.taken, sender.taken, jito.refused, sender.refused) == ([], [], [], [])


async def test_accounts_that_no_tip_can_arrive_at_are_named(rpc_url: str, tmp_path: Path) -> None:
    missing, poor = str(Keypair().pubkey()), rich(tmp_path)
    accounts = (poor, missing, PROGRAM_ID, CLOCK)
    jito = jito_stub(accounts, rpc_url)
    async with landers(jito):
        found = await looked(tmp_path, rpc_url, "tips", jito_url=jito.url, jito_tip_accounts=accounts)
    assert by_verdict(found) == 1
    said = [one.sentence for one in found]
    assert said == [
        f"JITO_TIP_ACCOUNTS: {missing}: it isn't on this chain, and a tip of 10000 leaves it below its rent, 890880",
        f"JITO_TIP_ACCOUNTS: {PROGRAM_ID}, {CLOCK}: a program, or one of the chain's own, and no lander's",
    ]
    assert all("each swap that tips it fails, or pays nobody: correct JITO_TIP_ACCOUNTS" in one.advice for one in found)


async def test_a_tip_that_makes_its_account_is_worth_a_look(rpc_url: str, tmp_path: Path) -> None:
    missing = str(Keypair().pubkey())
    [tip] = await looked(tmp_path, rpc_url, "tips", sender_url=f"{NOBODY}/fast", sender_tip_accounts=(missing,))
    assert (tip.verdict, tip.sentence) == (
        "look",
        f"SENDER_TIP_ACCOUNTS: {missing}: not on this chain, the first tip makes it",
    )


async def test_a_tip_to_the_wallet_or_what_is_its_own_is_wrong(rpc_url: str, tmp_path: Path) -> None:
    wallet = Wallet.load(tmp_path / "wallet.json")
    own = [wallet.address, wallet.guard_key().canary(wallet.address).address]
    own.append(str(token_account(wallet.address, SOL.mint)))
    for account in own:
        accounts = (rich(tmp_path), account)
        [tip] = await looked(tmp_path, rpc_url, "tips", sender_url=f"{NOBODY}/fast", sender_tip_accounts=accounts)
        assert tip.verdict == "wrong"
        assert tip.sentence == f"SENDER_TIP_ACCOUNTS: {account}: the wallet itself, or an account of its own"


async def test_landers_that_cannot_be_reached_are_named_without_their_keys(rpc_url: str, tmp_path: Path) -> None:
    accounts = (rich(tmp_path),)
    found = await looked(
        tmp_path,
        rpc_url,
        "landers",
        lander_urls=f"{NOBODY}/hunter2",
        jito_url=f"{NOBODY}/api/v1/transactions?uuid=hunter2",
        jito_tip_accounts=accounts,
        sender_url=f"{NOBODY}/fast?api-key=hunter2",
        sender_tip_accounts=accounts,
    )
    assert [one.verdict for one in found] == ["look"] * 3
    assert [one.sentence.split(":")[0] for one in found] == ["LANDER_URLS", "JITO_URL", "SENDER_URL"]
    assert "hunter2" not in str(found)


@pytest.mark.parametrize(("status", "verdict"), [(200, "well"), (404, "well"), (403, "look"), (503, "look")])
async def test_a_senders_ping_tells_whether_it_is_there(
    status: int, verdict: str, rpc_url: str, tmp_path: Path
) -> None:
    sender = sender_stub((rich(tmp_path),), rpc_url)
    sender.ping_status = status
    async with landers(sender):
        changes = {"sender_url": sender.url, "sender_tip_accounts": (rich(tmp_path),)}
        [found] = await looked(tmp_path, rpc_url, "landers", **changes)
    assert found.verdict == verdict


async def test_a_tip_account_that_the_block_engine_does_not_name_is_wrong(rpc_url: str, tmp_path: Path) -> None:
    jito = jito_stub((str(Keypair().pubkey()),), rpc_url)
    async with landers(jito):
        changes = {"jito_url": jito.url, "jito_tip_accounts": (rich(tmp_path),)}
        [found] = await looked(tmp_path, rpc_url, "landers", **changes)
    assert found.verdict == "wrong"
    assert rich(tmp_path) in found.sentence
    assert next(iter(jito.accounts)) in found.advice


async def test_a_lander_of_another_chain_is_wrong_and_one_that_does_not_say_is_well(
    rpc_url: str, tmp_path: Path
) -> None:
    async def another(request: Request) -> bytes:
        return rpc(request, result="another")

    async def sends_alone(request: Request) -> bytes:
        return rpc(request, error={"code": -32601, "message": "Method not found"})

    async with (
        serving(another) as foreign,
        serving(sends_alone) as silent,
        serving(always(http(b"<html>"))) as page,
    ):
        found = await looked(tmp_path, rpc_url, "landers", lander_urls=f"{foreign},{silent},{page}")
    assert [one.verdict for one in found] == ["wrong", "well", "look"]
