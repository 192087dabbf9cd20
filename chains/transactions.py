"""The transaction of an order's attempt: its limits, the venue's swap, and the memo that says whose it is."""

from __future__ import annotations

from collections.abc import Sequence

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.message import MessageV0
from solders.pubkey import Pubkey

MEMO_PROGRAM = "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"
COMPUTE_BUDGET_PROGRAM = "ComputeBudget111111111111111111111111111111"
ATA_PROGRAM = "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL"

MAX_TRANSACTION_BYTES = 1232

FEE_LAMPORTS = 5_000
"""What the network takes for a signature, the only one of a transaction, whether that succeeds or fails."""

MAX_COMPUTE_UNITS = 1_400_000
"""What one transaction may use at most: the limit to simulate with, when what it uses isn't known yet."""

CANCEL_UNITS = CANARY_UNITS = 100_000
"""What a cancel may use, or what makes the canary: the guard takes some 1,000, the memo the rest."""

CANARY_MEMO = "surefill-canary"


def memo_text(order_id: object, attempt: int, *, cancels: bool = False) -> str:
    """What the attempt's transaction carries: it tells alike orders apart, and ties the chain to the log."""
    return f"surefill:{order_id}:{attempt}{':cancel' if cancels else ''}"


def unit_limit(compute_units: int) -> int:
    """The limit for what its simulation used: a fifth more, as the accounts may have changed by the time it runs."""
    return min(-(-compute_units * 12 // 10), MAX_COMPUTE_UNITS)


def compose_canary(guard: Sequence[Instruction], *, wallet: str, blockhash: str) -> MessageV0:
    """The unsigned message that makes the canary guard; its memo says so, for whoever looks for those of a wallet."""
    payer = Pubkey.from_string(wallet)
    steps = [set_compute_unit_limit(CANARY_UNITS), *guard, _memo(payer, CANARY_MEMO)]
    return MessageV0.try_compile(payer, steps, [], Hash.from_string(blockhash))


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
    cancels: bool = False,
    tips: Sequence[Instruction] = (),
    lookup_tables: Sequence[AddressLookupTableAccount] = (),
) -> MessageV0:
    """The unsigned message of an attempt, paid and signed by ``wallet``: ``guard`` is made before anything else runs.

    ``compute_units`` is what it is known to use, of which ``unit_limit`` is made; ``compute_unit_price`` is in
    micro-lamports a unit. ``tips`` are paid last. What ``cancels`` has no ``instructions``, and no tips. Accounts in
    ``lookup_tables`` take a byte each.
    """
    payer = Pubkey.from_string(wallet)
    limits = [set_compute_unit_limit(unit_limit(compute_units))]
    if compute_unit_price:
        limits.append(set_compute_unit_price(compute_unit_price))
    memo = _memo(payer, memo_text(order_id, attempt, cancels=cancels))
    steps = [*limits, *guard, *instructions, *tips, memo]
    return MessageV0.try_compile(payer, steps, list(lookup_tables), Hash.from_string(blockhash))


def _memo(wallet: Pubkey, text: str) -> Instruction:
    """As signer the wallet vouches for it: the memo program refuses one that it did not sign."""
    return Instruction(Pubkey.from_string(MEMO_PROGRAM), text.encode(), [AccountMeta(wallet, True, False)])
