"""The transaction of an order's attempt: its limits, the venue's swap, and the memo that says whose it is."""

from __future__ import annotations

from collections.abc import Sequence

from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.message import MessageV0
from solders.pubkey import Pubkey

MEMO_PROGRAM = "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"

MAX_COMPUTE_UNITS = 1_400_000
"""What one transaction may use at most: the limit to simulate with, when what it uses isn't known yet."""


_CANARY_UNITS = 50_000


def memo_text(order_id: object, attempt: int) -> str:
    """What the attempt's transaction carries: it tells alike orders apart, and ties the chain to the log."""
    return f"surefill:{order_id}:{attempt}"


def compose_canary(guard: Sequence[Instruction], *, wallet: str, blockhash: str) -> MessageV0:
    """The unsigned message that makes the canary guard and does nothing else."""
    limit = set_compute_unit_limit(_CANARY_UNITS)
    return MessageV0.try_compile(Pubkey.from_string(wallet), [limit, *guard], [], Hash.from_string(blockhash))


def compose(
    instructions: Sequence[Instruction],
    *,
    guard: Sequence[Instruction],
    wallet: str,
    order_id: object,
    attempt: int,
    blockhash: str,
    compute_units: int,
    compute_unit_price: int = 0,
) -> MessageV0:
    """The unsigned message of an attempt, paid and signed by ``wallet``: ``guard`` is made before anything else runs.

    ``compute_units`` is what its simulation used; the limit is a fifth more, because the accounts may have changed by
    the time it runs. ``compute_unit_price`` is in micro-lamports a unit.
    """
    payer = Pubkey.from_string(wallet)
    limits = [set_compute_unit_limit(min(-(-compute_units * 12 // 10), MAX_COMPUTE_UNITS))]
    if compute_unit_price:
        limits.append(set_compute_unit_price(compute_unit_price))
    # As signer the wallet vouches for the memo, and the memo program refuses one that it did not sign.
    memo = Instruction(
        Pubkey.from_string(MEMO_PROGRAM), memo_text(order_id, attempt).encode(), [AccountMeta(payer, True, False)]
    )
    return MessageV0.try_compile(payer, [*limits, *guard, *instructions, memo], [], Hash.from_string(blockhash))
