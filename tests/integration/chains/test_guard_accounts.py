"""What enough endpoints show of guards: one that lies or is silent closes nothing, and calls nothing gone."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest
from solders.hash import Hash
from solders.pubkey import Pubkey

from chains.errors import UnansweredError
from chains.guard_accounts import GuardsSeen
from tests.integration.chains.conftest import Attempt, Node, Trader, until
from tests.integration.chains.endpoint_server import Alter, Request, altering, serving

NEVER_MADE = "4kk9Wpiecq1ndmNa7TZeaA4uXJZ7FMRxLHJuiCo3euCs"


def shows_none(_: Request, result: Any) -> Any:
    return {**result, "value": [None] * len(result["value"])}


def far_ahead(_: Request, result: Any) -> Any:
    return {**result, "blockHeight": 10**9}


def valid(_: Request, result: Any) -> Any:
    return {**result, "value": True}


def old(_: Request, result: Any) -> Any:
    return {**result, "context": {"slot": 0}}


GONE: dict[str, Alter] = {"getMultipleAccounts": shows_none}
AHEAD: dict[str, Alter] = {"getEpochInfo": far_ahead}
OLD: dict[str, Alter] = {"getMultipleAccounts": old}
ANOTHER: dict[str, Alter] = {"getGenesisHash": lambda _, __: "another"}
HONEST: dict[str, Alter] = {}


@pytest.fixture(scope="module")
def landed(node: Node) -> Attempt:
    async def swap() -> Attempt:
        async with node.chain() as chain:
            attempt = await Trader(node, chain).attempt(10_000_000)
            await chain.send(bytes(attempt.transaction))

            async def finalized() -> bool | None:
                return await chain.is_finalized(attempt.question.guard) or None

            await until(finalized)
            return attempt

    return asyncio.run(swap())


async def seen(node: Node, attempt: Attempt, *endpoints: dict[str, Alter]) -> GuardsSeen:
    async with AsyncExitStack() as stack, node.http() as client:
        urls = [await stack.enter_async_context(serving(altering(client, one))) for one in endpoints]
        chain = await stack.enter_async_context(node.chain(*urls))
        return await chain.guards(attempt.question.genesis_hash, [attempt.question.guard, NEVER_MADE])


async def test_a_guard_is_there_with_its_authority_and_what_lies_in_it(node: Node, landed: Attempt) -> None:
    found = await seen(node, landed, HONEST)
    account = found.there[landed.question.guard]
    assert account.authority == bytes(Pubkey.from_string(node.wallet.guard_key().authority))
    assert (account.lamports, account.tokens, found.gone) == (2_039_280, 0, {NEVER_MADE})
    assert found.height > 0


async def test_one_endpoint_of_two_calls_nothing_gone_and_no_height_passed(node: Node, landed: Attempt) -> None:
    found = await seen(node, landed, GONE, HONEST)
    assert (found.there, found.gone) == ({}, {NEVER_MADE})
    assert (await seen(node, landed, AHEAD, HONEST)).height < 10**9
    assert (await seen(node, landed, HONEST, AHEAD)).height < 10**9


async def test_no_height_is_passed_while_the_blockhash_that_is_asked_about_may_serve(
    node: Node, landed: Attempt
) -> None:
    genesis_hash, never = landed.question.genesis_hash, str(Hash.new_unique())
    async with (
        node.http() as client,
        serving(altering(client, {"isBlockhashValid": valid})) as liar,
        node.chain() as chain,
        node.chain(node.url, liar) as two,
        node.chain(node.url, liar, node.url) as three,
    ):
        fresh = (await chain.latest_blockhash()).blockhash
        assert (await chain.guards(genesis_hash, [NEVER_MADE], [never])).height > 0
        assert (await chain.guards(genesis_hash, [NEVER_MADE], [never, fresh])).height == 0
        assert (await two.guards(genesis_hash, [NEVER_MADE], [never])).height == 0
        assert (await three.guards(genesis_hash, [NEVER_MADE], [never])).height > 0


async def test_two_of_three_outweigh_one_that_shows_no_guard(node: Node, landed: Attempt) -> None:
    found = await seen(node, landed, HONEST, GONE, HONEST)
    assert (list(found.there), found.gone, found.absent) == ([landed.question.guard], {NEVER_MADE}, {NEVER_MADE})


async def test_one_of_three_that_stands_still_keeps_a_guard_from_being_gone_and_not_from_being_absent(
    node: Node, landed: Attempt
) -> None:
    found = await seen(node, landed, GONE, HONEST, GONE)
    assert (found.there, found.gone, found.absent) == ({}, {NEVER_MADE}, {landed.question.guard, NEVER_MADE})
    assert (await seen(node, landed, GONE, HONEST)).absent == {NEVER_MADE}


@pytest.mark.parametrize("other", [OLD, ANOTHER], ids=["an older state", "another chain"])
async def test_an_endpoint_that_shows_something_else_has_not_answered(
    node: Node, landed: Attempt, other: dict[str, Alter]
) -> None:
    with pytest.raises(UnansweredError, match="1 of 2 endpoints"):
        await seen(node, landed, HONEST, other)
