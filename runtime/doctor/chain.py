"""The RPC endpoints: whether each answers, for which chain, how far it is, and what the clock says beside it."""

from __future__ import annotations

import time
from collections.abc import Sequence

from chains.endpoint import Endpoint
from chains.errors import ChainUnavailableError
from chains.networks import network_of
from chains.signing_height import LIFE_TOLERANCE
from chains.solana_client import SolanaChain
from runtime.agreed_chain import is_genesis_hash
from runtime.doctor.finding import Finding, look, well, wrong
from runtime.doctor.outcomes import look_at_outcomes

MOST_BEHIND = 50
"""Blocks that an endpoint may be behind the main one."""
MOST_OFF_S = 10
"""Seconds between this machine's clock and the chain's newest block."""


async def look_at_chain(chain: SolanaChain) -> list[Finding]:
    """Of the endpoint at SOLANA_RPC_URL, and those at SOLANA_EVIDENCE_RPC_URLS beside it."""
    ahead: list[Finding] = []
    try:
        genesis = await chain.genesis_hash()
        if not is_genesis_hash(genesis):
            return [
                wrong(
                    "rpc",
                    "SOLANA_RPC_URL doesn't say which chain it serves: what it gives is no genesis hash",
                    "check the address; ask it yourself for getGenesisHash",
                )
            ]
        ahead = await _unfit(chain, genesis)
        blockhash = await chain.latest_blockhash()
    except ChainUnavailableError as error:
        return ahead or [
            wrong(
                "rpc",
                f"the endpoint at SOLANA_RPC_URL gives no answer that can be used: {error}",
                "check the address and its key; ask it yourself for getHealth",
            )
        ]
    found = [well("rpc", f"{network_of(genesis)}, block height {blockhash.height}")]
    found.append(await _clock(chain, blockhash.slot))
    if not chain.evidence_endpoints:
        found.append(
            look(
                "evidence",
                "one endpoint alone tells what became of an order",
                "name one of another provider in SOLANA_EVIDENCE_RPC_URLS",
            )
        )
    main, *others = chain.endpoints
    beside = {each: await _evidence(each, genesis, blockhash.height) for each in others}
    able = [each for each, finding in beside.items() if finding.verdict != "wrong"]
    return [*found, *beside.values(), *await look_at_outcomes([main, *able], genesis)]


async def _unfit(chain: SolanaChain, genesis: str) -> list[Finding]:
    """Endpoints that claim a height no blockhash of the main one's fits, as one of another chain may: of two, nothing
    is built while one does.
    """
    height, found = await chain.block_height("confirmed"), []
    for endpoint in chain.evidence_endpoints:
        try:
            served, reached = await endpoint.genesis_hash(), await _height(endpoint)
        except ChainUnavailableError:
            continue  # nobody waits for one that doesn't answer
        if served != genesis:
            found.append(_another_chain(endpoint, served, genesis))
        elif reached - height > LIFE_TOLERANCE:
            said = f"{endpoint.name} is at height {reached}, SOLANA_RPC_URL at {height}: nothing is built so"
            found.append(wrong("evidence", said, "one of them is wrong: remove it, or wait until it has caught up"))
    return found


async def _evidence(endpoint: Endpoint, genesis: str, height: int) -> Finding:
    try:
        served, reached = await endpoint.genesis_hash(), await _height(endpoint)
    except ChainUnavailableError as error:
        return wrong("evidence", f"no answer: {error}", "correct or remove it from SOLANA_EVIDENCE_RPC_URLS")
    if served != genesis:
        return _another_chain(endpoint, served, genesis)
    if reached - height > LIFE_TOLERANCE:
        said = f"{endpoint.name} is at height {reached}, and others at {height}: it isn't believed"
        return wrong("evidence", said, "remove it, or wait until it agrees")
    if height - reached > MOST_BEHIND:
        return look(
            "evidence", f"{endpoint.name} is {height - reached} blocks behind", "no proof comes from it like that"
        )
    return well("evidence", f"{endpoint.name} is at height {reached}")


def _another_chain(endpoint: Endpoint, served: str, genesis: str) -> Finding:
    """Which of the two is wrong nobody can tell but who configured them. What is no hash may hold anything."""
    what = f"{network_of(served)}, genesis {served}" if is_genesis_hash(served) else "what is no chain"
    said = f"{endpoint.name} serves {what}, and SOLANA_RPC_URL {network_of(genesis)}, genesis {genesis}"
    return wrong("evidence", said, "both must serve the one chain that is traded on: correct the one that doesn't")


async def _height(endpoint: Endpoint) -> int:
    return int(await endpoint.call("getBlockHeight", {"commitment": "confirmed"}, shape=int))


async def _clock(chain: SolanaChain, slot: int) -> Finding:
    try:
        ahead = await chain.clock_ahead(slot)
    except ChainUnavailableError as error:
        return look("clock", f"the time of the newest block can't be read: {error}", "compare the clock yourself")
    here = time.strftime("%H:%M:%S", time.gmtime())
    if ahead > MOST_OFF_S:
        off = f"the newest block is {ahead} s old by this machine's clock, which shows {here} UTC"
        return look("clock", off, "set the clock (NTP); or the node stands still")
    if ahead < -MOST_OFF_S:
        off = f"this machine's clock, which shows {here} UTC, is {-ahead} s behind the newest block"
        return look("clock", off, "set the clock (NTP): old prices look new by it")
    return well("clock", f"within {max(abs(ahead), 1)} s of the chain's")


def by_verdict(found: Sequence[Finding]) -> int:
    """The exit code: 1 where something is wrong."""
    return int(any(one.verdict == "wrong" for one in found))
