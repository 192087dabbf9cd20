"""Which chain the endpoints say they serve, asked more than once: a log is bound to it for good, and one answer alone
may be a mistake of a moment, as of a provider whose balancer sends a call to another cluster.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from solders.hash import Hash, ParseHashError

from chains.endpoint import Endpoint
from chains.errors import ChainUnavailableError
from chains.networks import network_of
from chains.protocol import Chain
from domain.evidence import enough

# For the others' answers nobody waits longer: one that is silent now is compared later.
WITHIN_S = 2.0


class DisputedChainError(ChainUnavailableError):
    """The endpoints don't say the same, or one doesn't say the same twice. A sentence that clients may see."""


async def agreed(chain: Chain, evidence: Sequence[Endpoint]) -> str:
    """The genesis hash that the main endpoint says, once another of those that answer says the same; where no other
    answers, once the main one has said it again.

    Raises ``DisputedChainError``, and ``ChainUnavailableError`` where the main endpoint gives no answer.
    """
    said, *others = await asyncio.gather(chain.genesis_hash(), *(_or_none(endpoint) for endpoint in evidence))
    if said is None or not is_genesis_hash(said):
        raise DisputedChainError("SOLANA_RPC_URL doesn't say which chain it serves: what it gives is no genesis hash")
    answered = {endpoint.name: one for endpoint, one in zip(evidence, others, strict=True) if one is not None}
    if not answered:
        answered = {"asked again it": await chain.genesis_hash()}
    alike = 1 + sum(one == said for one in answered.values())
    if not enough(alike, 1 + len(answered)):
        apart = ", ".join(f"{name} says {_shown(one)}" for name, one in answered.items() if one != said)
        raise DisputedChainError(f"SOLANA_RPC_URL says that it serves {_shown(said)}, {apart}: one of them is wrong")
    return said


async def _or_none(endpoint: Endpoint) -> str | None:
    try:
        async with asyncio.timeout(WITHIN_S):
            return await endpoint.genesis_hash()
    except (ChainUnavailableError, TimeoutError):
        return None


def is_genesis_hash(text: str) -> bool:
    """Whether it could be one at all: 32 bytes in base58."""
    try:
        Hash.from_string(text)
    except ParseHashError:
        return False
    return True


def _shown(genesis_hash: str) -> str:
    """An endpoint's text that is no hash may hold anything, and isn't repeated."""
    return (
        f"{network_of(genesis_hash)} (genesis {genesis_hash})" if is_genesis_hash(genesis_hash) else "what is no hash"
    )
