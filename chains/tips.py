"""Tips: lamports that a swap's transaction pays to landers who ask for it, in the same transaction.

A transaction that fails pays none, and of an order's transactions one succeeds at most: so an order tips once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from solders.address_lookup_table_account import AddressLookupTableAccount
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


def tip_transfers(
    tips: Sequence[Tip],
    *,
    wallet: str,
    order_id: UUID,
    attempt: int,
    tables: Sequence[AddressLookupTableAccount] = (),
) -> list[Instruction]:
    """The transfers that pay ``tips``, to accounts that none of ``tables`` holds where a lander has such. Orders and
    attempts take turns at them: transactions that write to the same account can't run at the same time.
    """
    payer, turn = Pubkey.from_string(wallet), order_id.int + attempt
    held = {key for table in tables for key in table.addresses} if tips else set()
    transfers = []
    for tip in tips:
        accounts = [Pubkey.from_string(account) for account in tip.accounts]
        free = [account for account in accounts if account not in held] or accounts
        paid = TransferParams(from_pubkey=payer, to_pubkey=free[turn % len(free)], lamports=tip.lamports)
        transfers.append(transfer(paid))
    return transfers


def without_tipped(
    tables: Sequence[AddressLookupTableAccount], transfers: Sequence[Instruction]
) -> list[AddressLookupTableAccount]:
    """``tables`` without those that hold an account which ``transfers`` tip: through them the message would name it,
    and landers look for it in the message itself.
    """
    tipped = {one.accounts[1].pubkey for one in transfers}
    return [table for table in tables if tipped.isdisjoint(table.addresses)] if tipped else list(tables)


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
