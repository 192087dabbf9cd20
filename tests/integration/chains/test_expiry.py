"""Proof that a signature can never land: taken from the real local node, and refused from one that has gaps."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any

import pytest
from solders.signature import Signature

from chains.protocol import ExpiryQuestion, Inconclusive
from domain.evidence import ExpiryEvidence
from tests.integration.chains.conftest import Attempt, Node, Trader, until
from tests.integration.chains.endpoint_server import Alter, Request, altering, always, http, serving


@dataclass(frozen=True)
class Past:
    """An attempt that was never sent and one that landed, on one blockhash whose time is over."""

    expired: Attempt
    landed: Attempt


@pytest.fixture(scope="module")
def past(node: Node) -> Iterator[Past]:
    async def live_through() -> Past:
        async with node.chain() as chain:
            trader = Trader(node, chain)
            blockhash = await chain.latest_blockhash()
            never_sent, sent = [await trader.attempt(10_000_000, blockhash=blockhash) for _ in range(2)]
            await chain.send(bytes(sent.transaction))

            async def over() -> bool | None:
                return await chain.block_height("finalized") > blockhash.last_valid_block_height or None

            await until(over)
            return Past(never_sent, sent)

    yield asyncio.run(live_through())


async def asked(
    node: Node, question: ExpiryQuestion, *changes: dict[str, Alter] | bytes | None
) -> ExpiryEvidence | Inconclusive:
    """What comes of ``question`` when there is an endpoint for each of ``changes``: alterations, or fixed bytes."""
    async with AsyncExitStack() as stack, node.http() as client:
        urls = [
            await stack.enter_async_context(serving(altering(client, one) if isinstance(one, dict) else always(one)))
            for one in changes
        ]
        chain = await stack.enter_async_context(node.chain(*urls))
        return await chain.expiry_evidence(question)


def proves(evidence: ExpiryEvidence | Inconclusive, question: ExpiryQuestion, endpoints: int = 1) -> bool:
    assert isinstance(evidence, ExpiryEvidence), evidence
    assert len(evidence.endpoints) == endpoints
    return not evidence.gap(
        genesis_hash=question.genesis_hash,
        blockhash_slot=question.blockhash_slot,
        last_valid_block_height=question.last_valid_block_height,
    )


async def test_an_attempt_that_was_never_sent_is_proven_expired_by_every_block_it_could_have_been_in(
    node: Node, past: Past
) -> None:
    question = past.expired.question
    evidence = await asked(node, question)
    assert proves(evidence, question)
    assert isinstance(evidence, ExpiryEvidence)
    one = evidence.endpoints[0]
    assert one.endpoint == node.url.removeprefix("http://")
    assert [block.height for block in one.blocks] == list(
        range(question.last_valid_block_height - 150, question.last_valid_block_height + 2)
    )
    assert one.blocks[0].slot == question.blockhash_slot
    assert ExpiryEvidence.model_validate_json(evidence.model_dump_json(by_alias=True)) == evidence


async def test_evidence_is_refused_while_the_transaction_could_still_land(node: Node, trader: Trader) -> None:
    answer = await asked(node, (await trader.attempt(10_000_000)).question)
    assert "has not passed" in str(answer)


async def test_what_landed_is_never_proven_expired(node: Node, past: Past) -> None:
    assert "the transaction landed, in slot" in str(await asked(node, past.landed.question))


def null_status(_: Request, result: Any) -> Any:
    return result | {"value": [None]}


def without_signatures(_: Request, result: Any) -> Any:
    return result | {"signatures": []}


def listing_from(start: int) -> Alter:
    return lambda _, slots: [slot for slot in slots if slot >= start]


async def test_a_null_status_alone_proves_nothing_the_blocks_hold_the_signature(node: Node, past: Past) -> None:
    answer = await asked(node, past.landed.question, {"getSignatureStatuses": null_status})
    assert "the transaction landed, in the block of slot" in str(answer)


async def test_one_endpoint_that_knows_the_signature_outweighs_those_that_do_not(node: Node, past: Past) -> None:
    blind: dict[str, Alter] = {"getSignatureStatuses": null_status, "getBlock": without_signatures}
    assert proves(await asked(node, past.landed.question, blind), past.landed.question), "the blind one alone is fooled"
    assert "the transaction landed" in str(await asked(node, past.landed.question, blind, {}))
    purged = {"getBlocksWithLimit": listing_from(past.landed.question.blockhash_slot + 100)}
    assert "the transaction landed" in str(await asked(node, past.landed.question, purged, {}))


async def test_an_endpoint_with_purged_history_makes_it_no_proof_at_all(node: Node, past: Past) -> None:
    question = past.expired.question
    purged = {"getBlocksWithLimit": listing_from(question.blockhash_slot + 5)}
    answer = await asked(node, question, {}, purged)
    assert "the blocks begin after the blockhash's slot" in str(answer)


async def test_purged_blocks_everywhere_mean_that_it_can_never_be_known(node: Node, past: Past) -> None:
    question = past.expired.question
    purged: dict[str, Alter] = {"getFirstAvailableBlock": lambda _, __: question.blockhash_slot + 50}
    answers = [await asked(node, question, *changes) for changes in ((purged,), (purged, b""), (purged, {}))]
    assert [isinstance(answer, Inconclusive) and answer.permanent for answer in answers] == [True, True, False]
    assert "its blocks begin at slot" in str(answers[0])


async def test_a_silent_endpoint_is_left_out_and_all_of_them_silent_is_no_proof(node: Node, past: Past) -> None:
    html = http(b"<html>bad gateway</html>", status="502 Bad Gateway", content_type="text/html")
    question = past.expired.question
    assert proves(await asked(node, question, html, {}), question)
    assert proves(await asked(node, question, {}, html, {}), question, endpoints=2)
    answer = await asked(node, question, html, b"")
    assert isinstance(answer, Inconclusive)
    assert answer.reason.startswith("no endpoint answered: 127.0.0.1:")
    assert not answer.permanent
    assert "HTTP 502" in str(answer)


@pytest.mark.parametrize(
    ("method", "alter", "missing"),
    [
        ("getGenesisHash", lambda _, __: "another", "another chain"),
        ("getEpochInfo", lambda _, found: found | {"blockHeight": 1}, "has not passed"),
        ("getEpochInfo", lambda _, found: found | {"absoluteSlot": 10**9}, "older"),
        ("getSignatureStatuses", lambda _, found: found | {"value": []}, "not answered"),
        ("getBlocksWithLimit", lambda _, __: [], "no block"),
        ("getBlocksWithLimit", lambda _, slots: slots[:7] + slots[8:], "does not follow"),
        ("getBlocksWithLimit", lambda _, slots: slots[:150], "end before"),
        ("getBlocksWithLimit", lambda _, __: {"html": 1}, "can't be read"),
        ("getBlock", lambda _, __: None, "listed and can't be read"),
        ("getBlock", lambda _, block: block | {"previousBlockhash": "x"}, "does not follow"),
        ("getBlock", lambda _, block: block | {"parentSlot": 7}, "does not follow"),
        ("getBlock", lambda _, block: block | {"blockHeight": None}, "can't be read"),
    ],
)
async def test_anything_missing_is_named_and_proves_nothing(
    node: Node, past: Past, method: str, alter: Alter, missing: str
) -> None:
    answer = await asked(node, past.expired.question, {method: alter})
    assert isinstance(answer, Inconclusive)
    assert missing in answer.reason
    assert answer.reason.startswith("127.0.0.1:")
    assert not answer.permanent


async def test_what_contradicted_itself_is_read_anew(node: Node, past: Past) -> None:
    question = past.expired.question
    changes: dict[str, Alter] = {"getBlock": lambda _, block: block | {"previousBlockhash": "x"}}
    async with node.http() as client, serving(altering(client, changes)) as url, node.chain(url) as chain:
        assert "does not follow" in str(await chain.expiry_evidence(question))
        changes.clear()
        assert proves(await chain.expiry_evidence(question), question)


async def test_attempts_that_expire_together_read_each_block_once(node: Node, past: Past) -> None:
    calls: Counter[str] = Counter()

    async def counted(request: Request) -> bytes | None:
        for call in request if isinstance(request, list) else [request]:
            calls[call["method"]] += 1
        return await altering(client, {})(request)

    questions = [replace(past.expired.question, signature=str(Signature.new_unique())) for _ in range(20)]
    async with node.http() as client, serving(counted) as url, node.chain(url) as chain:
        answers = await asyncio.gather(*(chain.expiry_evidence(one) for one in questions))
    assert all(proves(answer, past.expired.question) for answer in answers)
    assert calls["getBlock"] == 152
