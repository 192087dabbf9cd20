"""Proof that a signature can never land, collected from every endpoint in the one order that makes it a proof.

Genesis hash, finalized height past the last valid one, then a null status that is not older, then the blocks
themselves. Any other order leaves a moment at which the transaction could land unseen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise

from chains import answers
from chains.answers import BlockSignatures, EpochInfo
from chains.endpoint import Endpoint
from chains.errors import RpcError, UnansweredError
from chains.finalized_blocks import FinalizedBlocks
from chains.protocol import ExpiryQuestion, Inconclusive
from domain.evidence import Block, EndpointEvidence, ExpiryEvidence


class _NoAnswer(Exception):
    """The endpoint did not answer at all."""


class _Gap(Exception):
    """The endpoint answers, and a part of the proof is missing there."""


class _Purged(_Gap):
    """The endpoint no longer has the blocks that would be the proof, and never will again."""


class _Landed(Exception):
    """The endpoint knows the signature."""


async def collect(
    sources: Sequence[tuple[Endpoint, FinalizedBlocks]], question: ExpiryQuestion
) -> ExpiryEvidence | Inconclusive:
    """The evidence of every endpoint that answers, or why there is none: the transaction landed, or the gaps.

    One endpoint is enough where the others don't answer. A gap at one that answers is a gap for all: it may be the one
    whose history holds the transaction.
    """
    found = await asyncio.gather(*(_ask(*source, question) for source in sources))
    for kind in (_Landed, _Gap):
        if reasons := [str(result) for result in found if isinstance(result, kind)]:
            answered = [result for result in found if not isinstance(result, _NoAnswer)]
            return Inconclusive("; ".join(reasons), all(isinstance(result, _Purged) for result in answered))
    evidence = ExpiryEvidence(endpoints=tuple(result for result in found if isinstance(result, EndpointEvidence)))
    if not evidence.endpoints:
        return Inconclusive("no endpoint answered: " + "; ".join(map(str, found)))
    gap = evidence.gap(
        genesis_hash=question.genesis_hash,
        blockhash_slot=question.blockhash_slot,
        last_valid_block_height=question.last_valid_block_height,
    )
    return Inconclusive(gap) if gap else evidence


async def _ask(
    endpoint: Endpoint, blocks: FinalizedBlocks, question: ExpiryQuestion
) -> EndpointEvidence | _NoAnswer | _Gap | _Landed:
    try:
        return await _evidence(endpoint, blocks, question)
    except (_Gap, _Landed) as reason:
        return type(reason)(f"{endpoint.name}: {reason}")
    except _NoAnswer as silence:
        return silence
    except (RpcError, UnansweredError) as failure:
        return _Gap(str(failure))


async def _evidence(endpoint: Endpoint, blocks: FinalizedBlocks, question: ExpiryQuestion) -> EndpointEvidence:
    try:
        genesis_hash = await endpoint.genesis_hash()
    except UnansweredError as silence:
        raise _NoAnswer(str(silence)) from None
    if genesis_hash != question.genesis_hash:
        raise _Gap("it is another chain")
    finalized = await endpoint.call("getEpochInfo", {"commitment": "finalized"}, shape=EpochInfo)
    if finalized.block_height <= question.last_valid_block_height:
        raise _Gap(f"the finalized height {finalized.block_height} has not passed {question.last_valid_block_height}")
    status_slot = await _null_status_slot(endpoint, question.signature)
    if status_slot < finalized.absolute_slot:
        raise _Gap("the status answer is older than the finalized height")
    first = await endpoint.call("getFirstAvailableBlock", shape=answers.U64)
    if first > question.blockhash_slot + 1:
        raise _Purged(f"its blocks begin at slot {first}, after the blockhash's slot {question.blockhash_slot}")
    read = await blocks.through(question.blockhash_slot, question.last_valid_block_height)
    _check_blocks(read, question, blocks)
    return EndpointEvidence(
        endpoint=endpoint.name,
        genesis_hash=genesis_hash,
        finalized_slot=finalized.absolute_slot,
        finalized_height=finalized.block_height,
        status_slot=status_slot,
        parent_slot=read[0][1].parent_slot,
        blocks=tuple(Block(slot=slot, height=block.block_height, blockhash=block.blockhash) for slot, block in read),
    )


async def _null_status_slot(endpoint: Endpoint, signature: str) -> int:
    config = {"searchTransactionHistory": True}
    status = await endpoint.call("getSignatureStatuses", [signature], config, shape=answers.STATUSES)
    match status.value:
        case [None]:
            return int(status.context.slot)
        case [known]:
            raise _Landed(f"the transaction landed, in slot {known.slot}")
    raise _Gap("the status was not answered")


def _check_blocks(
    read: Sequence[tuple[int, BlockSignatures]], question: ExpiryQuestion, blocks: FinalizedBlocks
) -> None:
    """Raise where the blocks hold the transaction or contradict each other.

    ``ExpiryEvidence.gap`` checks their range.
    """
    if not read:
        raise _Gap("it lists no block from the blockhash's slot on")
    for slot, block in read:
        if question.signature in block.signatures:
            raise _Landed(f"the transaction landed, in the block of slot {slot}")
    for (slot, parent), (next_slot, child) in pairwise(read):
        if (child.previous_blockhash, child.parent_slot) != (parent.blockhash, slot):
            blocks.forget(slot for slot, _ in read)
            raise _Gap(f"the block of slot {next_slot} does not follow that of slot {slot}")
