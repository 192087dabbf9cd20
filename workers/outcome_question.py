"""What the chain is asked of an order whose transactions may or may not have succeeded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from chains.protocol import OutcomeQuestion, SentTransaction
from chains.transactions import FEE_LAMPORTS
from domain.order import Attempt, Order

# A fee up to this is believed beside what was offered for priority: what a signature costs is the chain's to change,
# and no swap may go unrecorded for it.
BELIEVED_BASE_LAMPORTS = 20 * FEE_LAMPORTS


def sent_transaction(order: Order, attempt: Attempt) -> SentTransaction:
    """What is needed to look for the attempt."""
    mints = (order.token_in.mint, order.token_out.mint)
    return SentTransaction(
        *(attempt.signature, attempt.wallet, *mints, attempt.guard),
        attempt.lands_until,
        tip_lamports=attempt.tip_lamports,
        most_fee_lamports=BELIEVED_BASE_LAMPORTS + attempt.priority_fee_lamports,
        blockhash=attempt.blockhash,
    )


def outcome_question(
    order: Order, attempt: Attempt, sharing: Sequence[Order] = (), *, watched: bool = False
) -> OutcomeQuestion | None:
    """Which of the order's transactions succeeded, or one of those ``sharing`` its guard in its place, or whether none
    of its own ever can; None where ``attempt`` makes no guard.

    Of an order that is only ``watched`` nobody asks whether they may still land: thousands are, again and again.
    """
    if attempt.guard is None:
        return None
    sent = [sent_transaction(order, one) for one in order.attempts if one.guard]
    if watched:
        sent = [replace(one, blockhash=None) for one in sent]
    others = [sent_transaction(other, one) for other in sharing for one in other.attempts if one.guard == attempt.guard]
    known = {one.signature for one in (*sent, *others)}
    # Another log or engine may have signed what took the guard.
    elsewhere = {one.guard_taken_by for one in (order, *sharing) if one.guard_taken_by} - known
    of_unknown_cost = replace(sent[0], tip_lamports=0, most_fee_lamports=None)
    others += [replace(of_unknown_cost, signature=signature) for signature in sorted(elsewhere)]
    # Until when others may land says nothing of the order's own.
    beside = [replace(one, lands_until=0, blockhash=None) for one in others]
    return OutcomeQuestion(genesis_hash=attempt.genesis_hash, guard=attempt.guard, sent=(*sent, *beside))
