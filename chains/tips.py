"""Tips: lamports that a swap's transaction pays to landers who ask for it, in the same transaction.

A transaction that fails pays none, and of an order's transactions one succeeds at most: so an order tips once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from solders.instruction import Instruction
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM
from solders.system_program import TransferParams, transfer

from chains.decoding import Decoded, Step
from chains.errors import TransactionRefusedError
from chains.refusals import RefusalReason

MOST_TIP_LAMPORTS = 10_000_000
"""More is no tip but a payment, whatever is set and whoever signed it."""

TRANSFER_CALL = (2).to_bytes(4, "little")
"""How the data of the system program's ``Transfer`` begins; the lamports follow."""


@dataclass(frozen=True, slots=True)
class Tip:
    """What a lander asks for: so many ``lamports`` to any one of its ``accounts`` (base58)."""

    lamports: int
    accounts: tuple[str, ...]

    def is_paid_by(self, step: Step, wallet: Pubkey) -> bool:
        """Whether ``step`` pays exactly this from ``wallet``, and does nothing else."""
        data = TRANSFER_CALL + self.lamports.to_bytes(8, "little")
        if step.program != SYSTEM or step.data != data or len(step.accounts) != 2:
            return False
        return step.accounts[0] == wallet and str(step.accounts[1]) in self.accounts


def tip_transfers(tips: Sequence[Tip], *, wallet: str, order_id: UUID, attempt: int) -> list[Instruction]:
    """The transfers that pay ``tips``. Orders and attempts take turns at a lander's accounts: transactions that write
    to the same one can't run at the same time.
    """
    payer, turn = Pubkey.from_string(wallet), order_id.int + attempt
    return [
        transfer(
            TransferParams(
                from_pubkey=payer,
                to_pubkey=Pubkey.from_string(tip.accounts[turn % len(tip.accounts)]),
                lamports=tip.lamports,
            )
        )
        for tip in tips
    ]


def without_tips(steps: Sequence[Step], decoded: Decoded, wallet: Pubkey, tips: Sequence[Tip]) -> list[Step]:
    """``steps`` without the transfers that pay ``tips``, each once. Raises TransactionRefusedError where one is
    missing, or leads to an account that isn't in the message itself: landers look nowhere else.
    """
    left = list(steps)
    for tip in tips:
        paid = next((step for step in left if tip.is_paid_by(step, wallet)), None)
        if paid is None or paid.accounts[1] not in decoded.keys[: decoded.static]:
            raise TransactionRefusedError("it doesn't pay a lander's tip as it is set", RefusalReason.WRONG_TIP)
        left.remove(paid)
    return left
