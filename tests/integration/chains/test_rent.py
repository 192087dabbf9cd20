"""A rent is paid out of the wallet by one endpoint's word: what can't be is no answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from chains.errors import ChainUnavailableError
from chains.guard import GUARD_BYTES
from chains.solana_client import SolanaChain
from tests.integration.chains.conftest import Node
from tests.integration.chains.endpoint_server import altering, serving

KNOWN = 2_039_280
METHOD = "getMinimumBalanceForRentExemption"


@asynccontextmanager
async def claiming(node: Node, rent: int) -> AsyncIterator[SolanaChain]:
    """The chain by an endpoint that claims this ``rent``."""
    changes = {METHOD: lambda _, __: rent}
    async with node.http() as client, serving(altering(client, changes)) as url, node.chain(url) as chain:
        yield chain


@pytest.mark.parametrize("rent", [1, KNOWN, 3 * KNOWN])
async def test_a_rent_may_change_with_the_chain(node: Node, rent: int) -> None:
    async with claiming(node, rent) as chain:
        assert await chain.rent(GUARD_BYTES) == rent


@pytest.mark.parametrize("rent", [3 * KNOWN + 1, 5 * 10**9])
async def test_a_rent_far_above_the_known_one_is_no_answer(node: Node, rent: int) -> None:
    async with claiming(node, rent) as chain:
        with pytest.raises(ChainUnavailableError, match=f"{rent} lamports for 165 bytes") as refused:
            await chain.rent(GUARD_BYTES)
    assert f"no more than {3 * KNOWN}" in str(refused.value)


async def test_the_local_node_asks_for_the_known_one(node: Node) -> None:
    async with node.chain() as chain:
        assert await chain.rent(GUARD_BYTES) == KNOWN
