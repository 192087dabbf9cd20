"""What one endpoint shows of orders' outcomes, asked in the one order that makes it a proof.

Genesis hash, finalized height past the last at which anything may land and blockhashes that are over, then the guard at
a state that is not older, then the statuses of everything sent. Any other order leaves a moment at which a transaction
could land unseen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chains import answers
from chains.answers import EpochInfo
from chains.blockhash_life import Life, lives
from chains.endpoint import Endpoint
from chains.errors import RpcError, UnansweredError
from chains.guard import TOKEN_PROGRAM
from chains.protocol import OutcomeQuestion
from domain.evidence import GuardAbsence

ACCOUNTS_A_CALL = 100
STATUSES_A_CALL = 256


@dataclass(frozen=True, slots=True)
class Gap:
    """The endpoint doesn't answer, or a part of the proof is missing there. It counts as no answer."""

    reason: str

    def __str__(self) -> str:
        return self.reason


@dataclass(frozen=True, slots=True)
class Present:
    """The endpoint shows that a transaction of the order succeeded: by the guard, or by a status.

    ``unnamed``: not by any that it knows, and past the last height at which one of them may land: their statuses are
    purged or say that they failed for good.
    """

    reason: str
    unnamed: bool

    def __str__(self) -> str:
        return self.reason


Answer = GuardAbsence | Present | Gap


async def ask(endpoint: Endpoint, questions: Sequence[OutcomeQuestion]) -> list[Answer]:
    """The endpoint's answer to each question; never raises for what the endpoint does."""
    try:
        genesis_hash = await endpoint.genesis_hash()
        hashes = [sent.blockhash for question in questions for sent in question.sent if sent.blockhash]
        finalized, blockhashes = await asyncio.gather(
            endpoint.call("getEpochInfo", {"commitment": "finalized"}, shape=EpochInfo), lives(endpoint, hashes)
        )
        since = max(finalized.absolute_slot, *(life.slot for life in blockhashes.values()), 0)
        guards = await _guards(endpoint, [question.guard for question in questions], since)
        signatures = [sent.signature for question in questions for sent in question.sent]
        statuses = await _statuses(endpoint, signatures)
    except (RpcError, UnansweredError) as failure:
        return [Gap(str(failure))] * len(questions)
    return [
        _answer(
            endpoint.name,
            question,
            genesis_hash,
            finalized,
            blockhashes,
            guards[question.guard],
            [statuses[sent.signature] for sent in question.sent],
        )
        for question in questions
    ]


@dataclass(frozen=True, slots=True)
class _Guard:
    slot: int
    there: bool


@dataclass(frozen=True, slots=True)
class _Status:
    slot: int
    found: answers.Status | None


def _answer(
    name: str,
    question: OutcomeQuestion,
    genesis_hash: str,
    finalized: EpochInfo,
    blockhashes: Mapping[str, Life],
    guard: _Guard,
    statuses: Sequence[_Status],
) -> Answer:
    if genesis_hash != question.genesis_hash:
        return Gap(f"{name}: it is another chain")
    known = [status.found for status in statuses if status.found]
    # What failed for good needs no height to be past: it never succeeds.
    failed = [
        sent.signature
        for sent, status in zip(question.sent, statuses, strict=True)
        if status.found and status.found.err is not None and _is_finalized(status.found)
    ]
    going = [sent for sent in question.sent if sent.signature not in failed]
    lands_until = max((sent.lands_until for sent in going), default=0)
    past = finalized.block_height > lands_until
    if guard.there:
        unnamed = past and len(known) == len(failed)
        return Present(f"{name}: it shows the order's guard, so one of its transactions succeeded", unnamed)
    if succeeded := next((status for status in known if status.err is None), None):
        return Present(f"{name}: a transaction of the order landed, in slot {succeeded.slot}", unnamed=False)
    if not past:
        return Gap(f"{name}: the finalized height {finalized.block_height} has not passed {lands_until}")
    if any(not blockhashes[sent.blockhash].over for sent in going if sent.blockhash):
        return Gap(f"{name}: by its blockhash a transaction of the order may still land")
    blockhash_slot = max((blockhashes[sent.blockhash].slot for sent in going if sent.blockhash), default=None)
    status_slot = min(status.slot for status in statuses)
    since = max(finalized.absolute_slot, blockhash_slot or 0)
    if guard.slot < since or status_slot < since:
        return Gap(f"{name}: what it answers is older than the finalized height")
    if not all(map(_is_finalized, known)):
        return Gap(f"{name}: a failure is not finalized yet")
    return GuardAbsence(
        endpoint=name,
        genesis_hash=genesis_hash,
        finalized_slot=finalized.absolute_slot,
        finalized_height=finalized.block_height,
        guard_slot=guard.slot,
        status_slot=status_slot,
        failed=tuple(failed),
        blockhash_slot=blockhash_slot,
    )


def _is_finalized(status: answers.Status) -> bool:
    return (status.confirmation_status or ("finalized" if status.confirmations is None else "")) == "finalized"


async def _guards(endpoint: Endpoint, addresses: Sequence[str], slot: int) -> dict[str, _Guard]:
    """A guard is an account of the token program: lamports that a stranger paid in don't make one."""
    # The node may ignore the least slot that is asked for: the one it answers with counts.
    config = {
        "encoding": "base64",
        "commitment": "finalized",
        "minContextSlot": slot,
        "dataSlice": {"offset": 0, "length": 0},
    }
    found: dict[str, _Guard] = {}
    for at in range(0, len(addresses), ACCOUNTS_A_CALL):
        part = list(addresses[at : at + ACCOUNTS_A_CALL])
        answer = await endpoint.call("getMultipleAccounts", part, config, shape=answers.OWNERS)
        if len(answer.value) != len(part):
            raise UnansweredError(endpoint.name, "not every account was answered")
        for address, account in zip(part, answer.value, strict=True):
            found[address] = _Guard(answer.context.slot, account is not None and account.owner == TOKEN_PROGRAM)
    return found


async def _statuses(endpoint: Endpoint, signatures: Sequence[str]) -> dict[str, _Status]:
    found: dict[str, _Status] = {}
    for at in range(0, len(signatures), STATUSES_A_CALL):
        part = list(signatures[at : at + STATUSES_A_CALL])
        config = {"searchTransactionHistory": True}
        answer = await endpoint.call("getSignatureStatuses", part, config, shape=answers.STATUSES)
        if len(answer.value) != len(part):
            raise UnansweredError(endpoint.name, "not every status was answered")
        for signature, status in zip(part, answer.value, strict=True):
            found[signature] = _Status(answer.context.slot, status)
    return found
