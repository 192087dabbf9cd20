"""What the tracker keeps in memory of one signature it follows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from chains.protocol import ExpiryQuestion, SentTransaction
from commands.loaded_order import LoadedOrder
from workers.stages.submit import signed_bytes


@dataclass(slots=True)
class TrackedAttempt:
    """One attempt of one order, from ``TransactionBuilt`` until it is finalized or proven expired.

    Times are of the monotonic clock, in seconds. ``transaction`` is what is sent again and never shown. What is learned
    of it is not told before ``not_before``: recording has failed ``failures`` times in a row. ``uncertain``: it is said
    with the order what stands in the way.
    """

    order_id: UUID
    account_id: UUID
    attempt: int
    version: int
    sent: SentTransaction
    question: ExpiryQuestion
    transaction: bytes = field(repr=False)
    submitted: bool
    confirmed: bool
    order_ended: bool
    last_send: float
    next_proof: float = 0.0
    since: float = field(default_factory=time.monotonic)
    next_said: float = 0.0
    uncertain: bool = False
    finalized: bool = False
    failures: int = 0
    not_before: float = 0.0

    @property
    def is_told(self) -> bool:
        """Whether what is learned of it is told now: after a failure not for a while."""
        return time.monotonic() >= self.not_before

    @property
    def signature(self) -> str:
        return self.sent.signature


def followed(history: LoadedOrder, now: float) -> Iterator[TrackedAttempt]:
    """The attempts still to be followed: those that may land, and the confirmed one until it is finalized."""
    order = history.order
    if order is None:
        return
    for attempt in order.attempts:
        if attempt.end in (None, "confirmed"):
            yield TrackedAttempt(
                order_id=history.order_id,
                account_id=history.account_id,
                attempt=attempt.number,
                version=history.version,
                sent=SentTransaction(attempt.signature, attempt.wallet, order.token_in.mint, order.token_out.mint),
                question=ExpiryQuestion(
                    attempt.signature, attempt.genesis_hash, attempt.blockhash_slot, attempt.last_valid_block_height
                ),
                transaction=signed_bytes(history, attempt.number),
                submitted=attempt.submitted,
                confirmed=attempt.end == "confirmed",
                order_ended=order.ended,
                last_send=now,
            )
