"""What became of an order's transactions: shown by the real local node's guard accounts, alone and beside liars."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any

import pytest
from solders.keypair import Keypair
from solders.signature import Signature

from chains.errors import ChainUnavailableError
from chains.protocol import Inconclusive, OutcomeQuestion
from domain.evidence import ExpiryEvidence, Landing
from tests.integration.chains.conftest import Attempt, Node, Trader, until
from tests.integration.chains.endpoint_server import Alter, Request, altering, always, http, serving
from tests.skipping import hurried

Answer = Landing | ExpiryEvidence | Inconclusive


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

            async with hurried(node.url):
                await until(over)
            return Past(never_sent, sent)

    yield asyncio.run(live_through())


async def asked(node: Node, question: OutcomeQuestion, *changes: dict[str, Alter] | bytes | None) -> Answer:
    """What comes of ``question`` when there is an endpoint for each of ``changes``: alterations, or fixed bytes. Of
    those the slowest may take longer than a batch may, on a busy machine: they are asked again, as by the tracker.
    """
    async with AsyncExitStack() as stack, node.http() as client:
        urls = [
            await stack.enter_async_context(serving(altering(client, one) if isinstance(one, dict) else always(one)))
            for one in changes
        ]
        chain = await stack.enter_async_context(node.chain(*urls))
        await stack.enter_async_context(asyncio.timeout(60))
        while True:
            [answer] = await chain.outcomes([question])
            if None in changes or not (isinstance(answer, Inconclusive) and "timeout" in answer.reason):
                return answer


def proves(answer: Answer, question: OutcomeQuestion) -> bool:
    assert isinstance(answer, ExpiryEvidence), answer
    gap = answer.gap(
        genesis_hash=question.genesis_hash,
        signature=question.sent[0].signature,
        lands_until=question.sent[0].lands_until,
    )
    return gap is None and answer.is_complete


def no_status(_: Request, result: Any) -> Any:
    return result | {"value": [None for _ in result["value"]]}


def no_account(_: Request, result: Any) -> Any:
    return result | {"value": [None for _ in result["value"]]}


def failed_status(_: Request, result: Any) -> Any:
    error = {"InstructionError": [3, {"Custom": 1}]}
    return result | {"value": [one and one | {"err": error, "status": {"Err": error}} for one in result["value"]]}


def failed_transaction(_: Request, result: Any) -> Any:
    return result and result | {"meta": result["meta"] | {"err": {"InstructionError": [4, {"Custom": 1}]}}}


def not_found(_: Request, result: Any) -> Any:
    return None


LIAR: dict[str, Alter] = {
    "getMultipleAccounts": no_account,
    "getSignatureStatuses": failed_status,
    "getTransaction": failed_transaction,
}
BLIND: dict[str, Alter] = {
    "getMultipleAccounts": no_account,
    "getSignatureStatuses": no_status,
    "getTransaction": not_found,
}
DOWN = http(b"<html>bad gateway</html>", status="502 Bad Gateway", content_type="text/html")


async def test_a_guard_that_is_absent_proves_that_an_attempt_which_was_never_sent_expired(
    node: Node, past: Past
) -> None:
    question = past.expired.question
    answer = await asked(node, question)
    assert proves(answer, question)
    assert isinstance(answer, ExpiryEvidence)
    assert [one.endpoint for one in answer.endpoints] == [node.url.removeprefix("http://")]
    assert ExpiryEvidence.model_validate_json(answer.model_dump_json(by_alias=True)) == answer


async def test_nothing_is_proven_while_the_transaction_could_still_land(node: Node, trader: Trader) -> None:
    assert "has not passed" in str(await asked(node, (await trader.attempt(10_000_000)).question))


async def test_what_failed_for_good_is_proven_at_once(node: Node, trader: Trader) -> None:
    attempt = await trader.attempt(10_000_000, minimum_out=10**12)
    async with node.chain() as chain:
        await chain.send(bytes(attempt.transaction))
        await until(lambda: chain.landing(attempt.sent, "finalized"))
        assert await chain.block_height("finalized") < attempt.sent.lands_until
    answer = await asked(node, attempt.question)
    assert proves(answer, attempt.question)
    assert isinstance(answer, ExpiryEvidence)
    assert answer.endpoints[0].failed == (attempt.sent.signature,)  # type: ignore[union-attr]


async def test_what_succeeded_is_read_with_its_amounts(node: Node, past: Past) -> None:
    landing = await asked(node, past.landed.question)
    assert isinstance(landing, Landing)
    assert (landing.signature, landing.amount_in) == (past.landed.sent.signature, 10_000_000)
    assert landing.guard_rent_lamports


@pytest.mark.parametrize("liar", [LIAR, BLIND], ids=["failed", "blind"])
async def test_one_honest_endpoint_outweighs_those_that_lie(node: Node, past: Past, liar: dict[str, Alter]) -> None:
    for changes in ((liar, {}), ({}, liar), (liar, {}, liar)):
        answer = await asked(node, past.landed.question, *changes)
        assert isinstance(answer, Landing), answer
        assert answer.error is None


async def test_a_lie_about_the_status_alone_is_found_out_by_the_guard(node: Node, past: Past) -> None:
    lie: dict[str, Alter] = {"getSignatureStatuses": failed_status, "getTransaction": failed_transaction}
    answer = await asked(node, past.landed.question, lie)
    assert isinstance(answer, Inconclusive)
    assert "shows the order's guard" in answer.reason
    # What it knows of the order failed for good, it says, and the guard is there: a person has to say what made it.
    assert (answer.guard_seen, answer.permanent) == (True, True)


async def test_endpoints_that_show_opposite_outcomes_are_named(node: Node, past: Past) -> None:
    unreadable: dict[str, Alter] = {"getTransaction": not_found}
    answer = await asked(node, past.landed.question, BLIND, unreadable)
    assert isinstance(answer, Inconclusive)
    assert len(set(answer.disagreeing)) == 2
    assert all(endpoint in answer.reason for endpoint in answer.disagreeing)
    assert (answer.guard_seen, answer.permanent) == (True, False)


async def test_one_endpoint_of_two_is_not_enough_for_an_order_to_end(node: Node, past: Past) -> None:
    question = past.expired.question
    for changes in (({}, DOWN), (DOWN, {}), ({}, b"")):
        answer = await asked(node, question, *changes)
        assert isinstance(answer, ExpiryEvidence), answer
        assert (len(answer.endpoints), answer.configured, answer.is_complete) == (1, 2, False)
    assert proves(await asked(node, question, {}, DOWN, {}), question)
    answer = await asked(node, question, DOWN, b"")
    assert isinstance(answer, Inconclusive)
    assert "HTTP 502" in answer.reason


async def test_a_guard_whose_transaction_no_node_shows_any_more_can_never_be_explained(node: Node, past: Past) -> None:
    purged: dict[str, Alter] = {"getSignatureStatuses": no_status, "getTransaction": not_found}
    for changes, permanent in (((purged,), True), ((purged, purged), True), ((purged, DOWN), False)):
        answer = await asked(node, past.landed.question, *changes)
        assert isinstance(answer, Inconclusive)
        assert (answer.guard_seen, answer.permanent) == (True, permanent)


async def test_lamports_that_a_stranger_paid_in_make_no_guard(node: Node, past: Past) -> None:
    def paid_in(_: Request, result: Any) -> Any:
        account = {"data": ["", "base64"], "executable": False, "lamports": 9, "rentEpoch": 0, "space": 0}
        return result | {"value": [account | {"owner": "11111111111111111111111111111111"}]}

    question = past.expired.question
    assert proves(await asked(node, question, {"getMultipleAccounts": paid_in}), question)


@pytest.mark.parametrize(
    ("method", "alter", "missing"),
    [
        ("getGenesisHash", lambda _, __: "another", "another chain"),
        ("getEpochInfo", lambda _, found: found | {"blockHeight": 1}, "has not passed"),
        ("getEpochInfo", lambda _, found: found | {"absoluteSlot": 10**9}, "Minimum context slot"),
        ("isBlockhashValid", lambda _, found: found | {"value": True}, "may still land"),
        ("isBlockhashValid", lambda _, __: {"html": 1}, "can't be read"),
        ("isBlockhashValid", lambda _, found: found | {"context": {"slot": 10**9}}, "Minimum context slot"),
        ("getMultipleAccounts", lambda _, found: found | {"context": {"slot": 1}}, "older"),
        ("getMultipleAccounts", lambda _, found: found | {"value": []}, "not every account"),
        ("getSignatureStatuses", lambda _, found: found | {"context": {"slot": 1}}, "older"),
        ("getSignatureStatuses", lambda _, found: found | {"value": []}, "not every status"),
        ("getSignatureStatuses", lambda _, __: {"html": 1}, "can't be read"),
    ],
)
async def test_anything_missing_is_named_and_proves_nothing(
    node: Node, past: Past, method: str, alter: Alter, missing: str
) -> None:
    answer = await asked(node, past.expired.question, {method: alter})
    assert isinstance(answer, Inconclusive)
    assert missing in answer.reason
    assert answer.reason.startswith("127.0.0.1:")
    assert (answer.guard_seen, answer.permanent) == (False, False)


def valid(commitment: str, slots: int = 0) -> dict[str, Alter]:
    """The blockhash is called valid at that state alone; the newest state is so many ``slots`` further."""

    def alter(request: Request, result: Any) -> Any:
        at = request["params"][1]["commitment"]
        ahead = slots if at == "processed" else 0
        return {"context": {"slot": result["context"]["slot"] + ahead}, "value": at == commitment}

    return {"isBlockhashValid": alter}


@pytest.mark.parametrize(
    "says",
    [valid("finalized"), valid("processed"), valid("none", slots=150), valid("none", slots=-(10**6))],
    ids=["not over", "not finalized", "it may have come and gone between", "the newest state is older"],
)
async def test_whoever_can_not_call_the_blockhash_over_has_not_answered(
    node: Node, past: Past, says: dict[str, Alter]
) -> None:
    question = past.expired.question
    for changes in ((says, {}), ({}, says)):
        answer = await asked(node, question, *changes)
        assert isinstance(answer, ExpiryEvidence), answer
        assert (len(answer.endpoints), answer.is_complete) == (1, False)
    assert proves(await asked(node, question, {}, says, {}), question)


async def test_a_height_that_was_understated_at_the_signing_proves_nothing(node: Node, trader: Trader) -> None:
    attempt = await trader.attempt(10_000_000)
    sent = replace(attempt.sent, lands_until=1)
    answer = await asked(node, replace(attempt.question, sent=(sent,)))
    assert isinstance(answer, Inconclusive)
    assert "by its blockhash" in answer.reason


async def test_a_hundred_orders_take_four_calls_and_two_a_blockhash(node: Node, past: Past) -> None:
    calls: Counter[str] = Counter()

    async def counted(request: Request) -> bytes | None:
        for call in request if isinstance(request, list) else [request]:
            calls[call["method"]] += 1
        return await altering(client, {})(request)

    def another(question: OutcomeQuestion) -> OutcomeQuestion:
        sent = replace(question.sent[0], signature=str(Signature.new_unique()))
        return replace(question, guard=str(Keypair().pubkey()), sent=(sent,))

    questions: Sequence[OutcomeQuestion] = [another(past.expired.question) for _ in range(100)]
    async with node.http() as client, serving(counted) as url, node.chain(url) as chain:
        answers = await chain.outcomes(questions)
    assert all(proves(answer, past.expired.question) for answer in answers)
    once = ("getGenesisHash", "getEpochInfo", "getMultipleAccounts", "getSignatureStatuses")
    assert calls == {**dict.fromkeys(once, 1), "isBlockhashValid": 2}


async def test_an_understated_blockhash_is_refused(node: Node) -> None:
    def understated(_: Request, result: Any) -> Any:
        value = result["value"]
        return result | {"value": value | {"lastValidBlockHeight": value["lastValidBlockHeight"] - 100}}

    async with node.http() as client, AsyncExitStack() as stack:
        lying = await stack.enter_async_context(serving(altering(client, {"getLatestBlockhash": understated})))
        chain = await stack.enter_async_context(node.chain(lying))
        with pytest.raises(ChainUnavailableError, match="valid until"):
            await chain.latest_blockhash()
        low = {"getLatestBlockhash": understated, "getBlockHeight": lambda _, height: max(0, height - 100)}
        consistent = await stack.enter_async_context(serving(altering(client, low)))
        beside = await stack.enter_async_context(node.chain(consistent, node.url))
        with pytest.raises(ChainUnavailableError, match="valid until"):
            await beside.latest_blockhash()


def ahead(_: Request, result: Any) -> int:
    return int(result) + 1_000


async def test_a_height_is_passed_once_as_many_endpoints_as_it_takes_have_reached_it(node: Node) -> None:
    async with AsyncExitStack() as stack, node.http() as client:
        liar = await stack.enter_async_context(serving(altering(client, {"getBlockHeight": ahead})))
        silent = await stack.enter_async_context(serving(always(http(b"", status="503 Service Unavailable"))))
        lied, honest, alone = [
            await stack.enter_async_context(node.chain(*urls)) for urls in (("", liar), (), ("", silent))
        ]
        before = await honest.passed_height()
        assert before <= await lied.passed_height() < before + 1_000
        with pytest.raises(ChainUnavailableError):
            await alone.passed_height()
