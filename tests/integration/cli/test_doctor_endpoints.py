"""What `surefill doctor` says of endpoints that don't fit together."""

from __future__ import annotations

from pathlib import Path

import pytest

from chains.solana_client import SolanaChain
from tests.integration.chains.endpoint_server import Alter
from tests.integration.cli.test_doctor import altered, examine, rpc_url, settings

__all__ = ["rpc_url"]


@pytest.mark.parametrize("ahead", [0, 10**6], ids=["at the same height", "far ahead"])
async def test_of_an_endpoint_of_another_chain_both_chains_are_said(rpc_url: str, tmp_path: Path, ahead: int) -> None:
    devnet = "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG"
    changes: dict[str, Alter] = {
        "getGenesisHash": lambda _, genesis: devnet,
        "getBlockHeight": lambda _, height: height + ahead,
    }
    async with SolanaChain(rpc_url) as chain, altered(rpc_url, **changes) as url:
        main = await chain.genesis_hash()
        found = await examine(settings(tmp_path, rpc_url, solana_evidence_rpc_urls=url))
    [one] = [one for one in found if one.what == "evidence" and one.verdict == "wrong"]
    host = url.removeprefix("http://")
    assert one.sentence == f"{host} serves devnet, genesis {devnet}, and SOLANA_RPC_URL localnet, genesis {main}"


async def test_of_three_the_one_far_ahead_is_named_and_the_rest_is_looked_at(rpc_url: str, tmp_path: Path) -> None:
    async with altered(rpc_url, getBlockHeight=lambda _, height: height + 10**6) as url, altered(rpc_url) as other:
        found = await examine(settings(tmp_path, rpc_url, solana_evidence_rpc_urls=f"{url},{other}"))
    assert (found[0].what, found[0].verdict) == ("rpc", "well")
    [one] = [one for one in found if one.what == "evidence" and one.verdict == "wrong"]
    assert one.sentence.startswith(url.removeprefix("http://")) and one.sentence.endswith("it isn't believed")
