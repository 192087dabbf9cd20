"""What the chain is asked of an order whose transactions may or may not have succeeded."""

from __future__ import annotations

from dataclasses import replace

from chains.protocol import OutcomeQuestion, SentTransaction
from domain.order import Attempt, Order


def sent_transaction(order: Order, attempt: Attempt) -> SentTransaction:
    """What is needed to look for the attempt."""
    mints = (order.token_in.mint, order.token_out.mint)
    return SentTransaction(
        attempt.signature, attempt.wallet, *mints, attempt.guard, attempt.lands_until, attempt.tip_lamports
    )


def outcome_question(order: Order, attempt: Attempt) -> OutcomeQuestion | None:
    """Which of the order's transactions succeeded, or whether none ever can; None where ``attempt`` makes no guard."""
    if attempt.guard is None:
        return None
    sent = [sent_transaction(order, one) for one in order.attempts if one.guard]
    elsewhere = order.guard_taken_by
    if elsewhere and all(one.signature != elsewhere for one in sent):
        # Another log or engine signed what took the guard.
        sent.append(replace(sent[0], signature=elsewhere, lands_until=0, tip_lamports=0))
    return OutcomeQuestion(genesis_hash=attempt.genesis_hash, guard=attempt.guard, sent=tuple(sent))
