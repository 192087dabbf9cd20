"""Why an order could not go on: one table says of each code whether it is final or passing.

A final code fails the order at once. A passing one is tried again until the order's deadline; an order that fails then
is worth trying again (``retryable``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    INSUFFICIENT_FUNDS = "insufficient_funds"
    NO_VENUE = "no_venue"
    EXACT_OUT_UNSUPPORTED = "exact_out_unsupported"
    AMOUNT_TOO_SMALL = "amount_too_small"
    NO_LIQUIDITY = "no_liquidity"
    LIMIT_NOT_MET = "limit_not_met"
    SLIPPAGE_EXCEEDED = "slippage_exceeded"
    VENUE_UNAVAILABLE = "venue_unavailable"
    VENUE_RATE_LIMITED = "venue_rate_limited"
    VENUE_UNAUTHORIZED = "venue_unauthorized"
    VENUE_ANSWER_INVALID = "venue_answer_invalid"
    CHAIN_UNAVAILABLE = "chain_unavailable"
    BLOCKHASH_NOT_FOUND = "blockhash_not_found"
    PROGRAM_ERROR = "program_error"
    TRANSACTION_INVALID = "transaction_invalid"
    PROPOSAL_REFUSED = "proposal_refused"
    TRADING_HALTED = "trading_halted"
    GUARD_TAKEN = "guard_taken"
    GUARD_UNPROVEN = "guard_unproven"
    SIGNER_UNAVAILABLE = "signer_unavailable"
    SIGNER_REFUSED = "signer_refused"
    LAMPORT_RESERVE = "lamport_reserve"
    TRANSACTION_EXPIRED = "transaction_expired"
    DEADLINE_PASSED = "deadline_passed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    NOT_FILLED_AT_ONCE = "not_filled_at_once"
    OTHER_LEG_FILLED = "other_leg_filled"
    OTHER_LEG_ENDED = "other_leg_ended"
    FIRST_LEG_NOT_FILLED = "first_leg_not_filled"
    DISCARDED = "discarded"
    CANCELLED_AT_RECOVERY = "cancelled_at_recovery"
    EXECUTED_ELSEWHERE = "executed_elsewhere"


MISQUOTED = frozenset({Code.PROPOSAL_REFUSED, Code.VENUE_ANSWER_INVALID})
"""What a venue proposed for its quote shows that the quote is none to rely on."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code means for an order: whether trying again can't help, and the sentence a client reads."""

    final: bool
    sentence: str


MEANINGS: dict[Code, Meaning] = {
    Code.INSUFFICIENT_FUNDS: Meaning(True, "The wallet holds less than the order needs."),
    Code.NO_VENUE: Meaning(True, "No venue trades this pair."),
    Code.EXACT_OUT_UNSUPPORTED: Meaning(True, "No venue that trades this pair swaps to an exact amount out."),
    Code.AMOUNT_TOO_SMALL: Meaning(True, "The amount is too small to buy anything of the other token."),
    Code.NO_LIQUIDITY: Meaning(False, "No venue held any of the other token within the order's deadline."),
    Code.LIMIT_NOT_MET: Meaning(False, "No venue's quote at the order's size met its limit."),
    Code.SLIPPAGE_EXCEEDED: Meaning(False, "No venue offered the order's minimum within its deadline."),
    Code.VENUE_UNAVAILABLE: Meaning(False, "No venue answered within the order's deadline."),
    Code.VENUE_RATE_LIMITED: Meaning(False, "The venues may not be asked that often."),
    Code.VENUE_UNAUTHORIZED: Meaning(False, "A venue doesn't accept the key that it is asked with."),
    Code.VENUE_ANSWER_INVALID: Meaning(False, "A venue answered something that can't be used."),
    Code.CHAIN_UNAVAILABLE: Meaning(False, "The chain could not be reached within the order's deadline."),
    Code.BLOCKHASH_NOT_FOUND: Meaning(False, "The chain did not know the transaction's blockhash."),
    Code.PROGRAM_ERROR: Meaning(False, "A program on the chain refused the swap."),
    Code.TRANSACTION_INVALID: Meaning(
        True, "The transaction a venue proposed did more than this swap; it was not signed."
    ),
    Code.PROPOSAL_REFUSED: Meaning(
        False, "What the venues proposed did more than this swap, or less; none of it was signed."
    ),
    Code.TRADING_HALTED: Meaning(False, "Trading of the account is halted until an operator has looked."),
    Code.GUARD_TAKEN: Meaning(False, "The chain shows that a transaction of this order has succeeded before."),
    Code.GUARD_UNPROVEN: Meaning(False, "The guard key was not proven within the order's deadline: nothing is signed."),
    Code.SIGNER_UNAVAILABLE: Meaning(False, "Who signs for the wallet gave no signature within the order's deadline."),
    Code.SIGNER_REFUSED: Meaning(True, "Who signs for the wallet refuses the order's transaction by its own rules."),
    Code.LAMPORT_RESERVE: Meaning(False, "The wallet's lamports are down to the reserve that is kept for cancels."),
    Code.TRANSACTION_EXPIRED: Meaning(False, "The transaction did not land while its blockhash was valid."),
    Code.DEADLINE_PASSED: Meaning(False, "The order's deadline passed before it could be executed."),
    Code.CANCELLED: Meaning(True, "The order was cancelled before it was executed."),
    Code.EXPIRED: Meaning(True, "The order's expiresAt passed before it was executed."),
    Code.NOT_FILLED_AT_ONCE: Meaning(True, "The order could not be filled at once, as its timeInForce asks."),
    Code.OTHER_LEG_FILLED: Meaning(True, "The other order of its list was filled."),
    Code.OTHER_LEG_ENDED: Meaning(True, "The other order of its list ended, or is to end, and this one with it."),
    Code.FIRST_LEG_NOT_FILLED: Meaning(True, "The first order of its list ended without being filled."),
    Code.DISCARDED: Meaning(True, "The order could not be handled, and an operator gave it up."),
    Code.CANCELLED_AT_RECOVERY: Meaning(
        True, "The order log was put back to an earlier moment, and an operator cancelled the order."
    ),
    Code.EXECUTED_ELSEWHERE: Meaning(
        True,
        "The wallet's history shows that a transaction under this order's id succeeded, with other terms than the "
        "order's, or that one did which no endpoint shows any more.",
    ),
}


def meaning(code: str) -> Meaning:
    """The meaning of ``code``. One this version doesn't know is passing: the deadline still ends it."""
    try:
        return MEANINGS[Code(code)]
    except ValueError:
        return Meaning(False, "The swap was refused.")
