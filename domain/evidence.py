"""What the chain said of a transaction: that it landed, or the proof that it never can."""

from __future__ import annotations

from typing import Literal

from domain.numbers import BaseUnits
from domain.quotes import Recorded

Commitment = Literal["confirmed", "finalized"]


class TransactionError(Recorded):
    """Why a transaction failed, in our codes (``domain.codes``), the chain's own words kept beside."""

    code: str
    detail: str
    logs: tuple[str, ...] = ()


class Landing(Recorded):
    """A transaction that is in a block, read from the transaction itself.

    Amounts are what the wallet's token balances show, in base units; both are 0 where ``error`` is set.
    """

    signature: str
    slot: int
    commitment: Commitment
    amount_in: BaseUnits
    amount_out: BaseUnits
    fee_lamports: BaseUnits
    error: TransactionError | None = None


class Block(Recorded):
    """A finalized block that was read and does not hold the signature; its parent is the one listed before it."""

    slot: int
    height: int
    blockhash: str


class EndpointEvidence(Recorded):
    """What one endpoint answered, in the order asked; ``endpoint`` is its host, without path or credentials.

    ``status_slot`` is the context slot of the null ``getSignatureStatuses`` answer with history searched.
    ``parent_slot`` is the slot of the first listed block's parent.
    """

    endpoint: str
    genesis_hash: str
    finalized_slot: int
    finalized_height: int
    status_slot: int
    parent_slot: int
    blocks: tuple[Block, ...]


class ExpiryEvidence(Recorded):
    """Proof that a signature can never land: from every endpoint that answered, one at least."""

    source: Literal["chain"] = "chain"
    endpoints: tuple[EndpointEvidence, ...]

    def gap(self, *, genesis_hash: str, blockhash_slot: int, last_valid_block_height: int) -> str | None:
        """What is missing for this to be proof that the signature can never land; None where nothing is."""
        if not self.endpoints:
            return "no endpoint answered"
        for endpoint in self.endpoints:
            missing = _gap_at(endpoint, genesis_hash, blockhash_slot, last_valid_block_height)
            if missing:
                return f"{endpoint.endpoint}: {missing}"
        return None


class OperatorEvidence(Recorded):
    """What can never be known from the chain again, ended by a person who says why."""

    source: Literal["operator"] = "operator"
    because: str


def _gap_at(answer: EndpointEvidence, genesis_hash: str, blockhash_slot: int, last_valid: int) -> str | None:
    heights = [block.height for block in answer.blocks]
    if answer.genesis_hash != genesis_hash:
        return "it is another chain"
    if answer.finalized_height <= last_valid:
        return "the finalized height has not passed the last valid block height"
    if answer.status_slot < answer.finalized_slot:
        return "the status answer is older than the finalized height"
    if not heights:
        return "no block was read"
    if answer.parent_slot > blockhash_slot:
        return "the blocks begin after the blockhash's slot"
    if heights != list(range(heights[0], heights[0] + len(heights))):
        return "a block is missing"
    if heights[-1] <= last_valid:
        return "the blocks end before the last valid block height"
    return None
