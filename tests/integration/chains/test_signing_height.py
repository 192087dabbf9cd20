"""The height that is signed at: one endpoint of three that overstates it is left out, and no true one is."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import pytest
from structlog.testing import capture_logs

from chains.errors import ChainUnavailableError
from domain.evidence import BLOCKHASH_LIFE
from tests.integration.chains.conftest import Node, until
from tests.integration.chains.endpoint_server import Request, altering, serving


@pytest.mark.parametrize("above", [100, 1_000, 10**9])
async def test_a_height_that_one_of_three_overstates_keeps_nobody_from_signing(node: Node, above: int) -> None:
    async with node.http() as client, AsyncExitStack() as stack:
        lies = {"getBlockHeight": lambda _, height: height + above}
        liar = await stack.enter_async_context(serving(altering(client, lies)))
        chain = await stack.enter_async_context(node.chain("", node.url, liar))
        with capture_logs() as logged:
            given = [await chain.latest_blockhash() for _ in range(2)]
        beside = await stack.enter_async_context(node.chain("", liar))
        with pytest.raises(ChainUnavailableError, match=f"and {liar.removeprefix('http://')} shows the height"):
            await beside.latest_blockhash()
    assert [one["event"] for one in logged] == ["a height isn't believed"]
    for latest in given:
        assert abs(latest.last_valid_block_height - latest.height - BLOCKHASH_LIFE) < 50


async def test_a_true_height_is_not_called_overstated_by_a_liar_and_one_that_lags(node: Node) -> None:
    """The liar understates the life of its blockhash by as much as the other one lags, which doesn't know it yet."""
    by = 100

    async def high_enough() -> bool | None:
        return await honest.block_height("confirmed") > 2 * by or None

    async with node.chain() as honest:
        await until(high_enough)

    def understated(_: Request, result: Any) -> Any:
        value = result["value"]
        return result | {"value": value | {"lastValidBlockHeight": value["lastValidBlockHeight"] - by}}

    def low(_: Request, height: Any) -> int:
        return int(height) - by

    lies = {"getLatestBlockhash": understated, "getBlockHeight": low}
    lags = {"getBlockHeight": low, "isBlockhashValid": lambda _, result: {**result, "value": False}}
    async with node.http() as client, AsyncExitStack() as stack:
        urls = [await stack.enter_async_context(serving(altering(client, one))) for one in (lies, lags, {})]
        chain = await stack.enter_async_context(node.chain(*urls))
        with pytest.raises(ChainUnavailableError, match="valid until"):
            await chain.latest_blockhash()
