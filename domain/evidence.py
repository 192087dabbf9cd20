"""What the chain said of a transaction: that it landed, or the proof that it never can."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from domain.numbers import BaseUnits
from domain.quotes import Recorded

Commitment = Literal["confirmed", "finalized"]

BLOCKHASH_LIFE = 150
"""For so many blocks after it a blockhash serves a transaction."""


def enough(answers: int, configured: int) -> bool:
    """Whether so many endpoints that say the same prove it: where two or more are configured, two must agree."""
    return answers >= min(2, max(1, configured))


class TransactionError(Recorded):
    """Why a transaction failed, in our codes (``domain.codes``), the chain's own words kept beside."""

    code: str
    detail: str
    logs: tuple[str, ...] = ()


class Landing(Recorded):
    """A transaction that is in a block, read from the transaction itself.

    Amounts are what the wallet's token balances show, in base units; both are 0 where ``error`` is set.
    ``guard_rent_lamports`` is what went into the order's guard, None for a transaction without one,
    ``account_rent_lamports`` what lies in token accounts that it made. ``shown_by`` names the endpoints that show it
    so, of ``configured`` ones.
    """

    signature: str
    slot: int
    commitment: Commitment
    amount_in: BaseUnits
    amount_out: BaseUnits
    fee_lamports: BaseUnits
    guard_rent_lamports: BaseUnits | None = None
    account_rent_lamports: BaseUnits = 0
    error: TransactionError | None = None
    shown_by: tuple[str, ...] = ()
    configured: int = 1

    @property
    def is_enough(self) -> bool:
        """Whether as many endpoints show it as prove something."""
        return enough(len(self.shown_by), self.configured)


class GuardAbsence(Recorded):
    """What one endpoint answered, in the order asked; ``endpoint`` is its host, without path or credentials.

    ``guard_slot`` is the context slot at which the order's guard was not there, ``status_slot`` that of the statuses,
    history searched, in which no transaction of the order had succeeded; ``failed`` are those that had failed there for
    good. The answer about the guard is of the finalized state. ``blockhash_slot``: in the finalized state at that slot
    no transaction of the order could land any more by its blockhash; evidence of older logs doesn't have it.
    """

    endpoint: str
    genesis_hash: str
    finalized_slot: int
    finalized_height: int
    guard_slot: int
    status_slot: int
    failed: tuple[str, ...] = ()
    blockhash_slot: Annotated[int | None, Field(exclude_if=lambda slot: slot is None)] = None


class Block(Recorded):
    """A finalized block that was read and does not hold the signature; its parent is the one listed before it."""

    slot: int
    height: int
    blockhash: str


class BlocksRead(Recorded):
    """What one endpoint answered while there were attempts without a guard: every block that one could be in.

    It is read from older logs alone.
    """

    endpoint: str
    genesis_hash: str
    finalized_slot: int
    finalized_height: int
    status_slot: int
    parent_slot: int
    blocks: tuple[Block, ...]


class ExpiryEvidence(Recorded):
    """Proof that attempts can never succeed, from those of the ``configured`` endpoints that answered, one at least."""

    source: Literal["chain"] = "chain"
    endpoints: tuple[GuardAbsence | BlocksRead, ...]
    configured: int = 1

    @property
    def is_complete(self) -> bool:
        """Whether an order may end by it; else it only lets the order go on under the same guard."""
        return enough(len(self.endpoints), self.configured)

    def shows_failed(self, signature: str) -> bool:
        """Whether an endpoint says that the transaction is on the chain, and has failed for good."""
        return any(signature in answer.failed for answer in self.endpoints if isinstance(answer, GuardAbsence))

    def gap(self, *, genesis_hash: str, signature: str, lands_until: int, recorded: bool = False) -> str | None:
        """What is missing for this to be proof that a transaction never succeeds, which may land up to the height
        ``lands_until``; None where nothing is. ``recorded``: it is of the log, whose older versions asked nobody of
        blockhashes.
        """
        if not self.endpoints:
            return "no endpoint answered"
        for endpoint in self.endpoints:
            missing = _gap_at(endpoint, genesis_hash, signature, lands_until, recorded=recorded)
            if missing:
                return f"{endpoint.endpoint}: {missing}"
        return None


class GuardTaken(Recorded):
    """Another transaction of the order made its guard, finalized: no other one can succeed any more.

    ``shown_by`` names the endpoints that show that transaction, of ``configured`` ones.
    """

    source: Literal["guard"] = "guard"
    taken_by: str
    slot: int
    shown_by: tuple[str, ...]
    configured: int = 1

    @property
    def is_complete(self) -> bool:
        """Whether a failure, which is in the chain after that transaction, would have been shown, too."""
        return enough(len(self.shown_by), self.configured)


class OperatorEvidence(Recorded):
    """What can't be known from the chain, ended by a person who says why."""

    source: Literal["operator"] = "operator"
    because: str


def _gap_at(
    answer: GuardAbsence | BlocksRead, genesis_hash: str, signature: str, lands_until: int, *, recorded: bool
) -> str | None:
    if isinstance(answer, BlocksRead):
        return "it read blocks, and did not look for the guard"
    if answer.genesis_hash != genesis_hash:
        return "it is another chain"
    if signature not in answer.failed:
        if answer.finalized_height <= lands_until:
            return "the finalized height has not passed the last at which it may land"
        if answer.blockhash_slot is None and not recorded:
            return "it did not say whether the blockhash is still valid"
    since = max(answer.finalized_slot, answer.blockhash_slot or 0)
    if answer.guard_slot < since:
        return "the answer about the guard is older than the finalized height"
    if answer.status_slot < since:
        return "the status answer is older than the finalized height"
    return None
