"""Which chain the endpoints say they serve: one answer alone binds no log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from solders.hash import Hash

from chains.solana_client import SolanaChain
from runtime.agreed_chain import DisputedChainError, agreed
from tests.integration.chains.endpoint_server import Answer, Request, rpc, serving

OURS, ANOTHER = str(Hash(b"\1" * 32)), str(Hash(b"\2" * 32))
MAINNET = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"


def saying(*answers: str | None) -> Answer:
    """One after the other, the last one for ever; None is an error."""
    left = list(answers)

    async def respond(request: Request) -> bytes:
        said = left.pop(0) if len(left) > 1 else left[0]
        return rpc(request, result=said) if said else rpc(request, error={"code": -32005, "message": "not now"})

    return respond


@asynccontextmanager
async def over(*endpoints: Sequence[str | None]) -> AsyncIterator[SolanaChain]:
    async with AsyncExitStack() as stack:
        urls = [await stack.enter_async_context(serving(saying(*one))) for one in endpoints]
        yield await stack.enter_async_context(SolanaChain(urls[0], extra_urls=urls[1:]))


@pytest.mark.parametrize(
    "others",
    [
        [],
        [[OURS]],
        [[None]],
        [[None], [OURS]],
        [[ANOTHER], [OURS]],
    ],
)
async def test_a_hash_counts_that_another_endpoint_says_or_that_is_said_twice(others: list[list[str | None]]) -> None:
    async with over([OURS], *others) as chain:
        assert await agreed(chain, chain.evidence_endpoints) == OURS


@pytest.mark.parametrize(
    "endpoints",
    [
        [[ANOTHER, OURS]],
        [[ANOTHER, OURS], [None]],
        [[ANOTHER], [OURS]],
        [[ANOTHER], [OURS], [OURS]],
        [["hash of nothing"]],
        [["hash of nothing"], ["hash of nothing"]],
    ],
)
async def test_one_answer_alone_counts_for_nothing_where_another_contradicts_it(
    endpoints: list[list[str | None]],
) -> None:
    async with over(*endpoints) as chain:
        with pytest.raises(DisputedChainError) as disputed:
            await agreed(chain, chain.evidence_endpoints)
        assert "SOLANA_RPC_URL" in str(disputed.value)
        assert "of nothing" not in str(disputed.value)


async def test_a_dispute_names_who_says_what() -> None:
    async with over([MAINNET], [OURS]) as chain:
        [evidence] = chain.evidence_endpoints
        with pytest.raises(DisputedChainError) as disputed:
            await agreed(chain, chain.evidence_endpoints)
    assert str(disputed.value) == (
        f"SOLANA_RPC_URL says that it serves mainnet-beta (genesis {MAINNET}), "
        f"{evidence.name} says localnet (genesis {OURS}): one of them is wrong"
    )
