"""Executes transactions on LiteSVM, and shows accounts as any block left them that isn't finalized yet.

LiteSVM keeps no history here and checks no blockhash: which transactions may still run is for ``chain`` to know. What
blocks did is kept as what they undo: each account they touched as it was before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from solders.account import Account
from solders.litesvm import LiteSVM
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata, TransactionMetadata
from solders.transaction_status import TransactionErrorType

from localnet.ledger_rows import RENT_EXEMPT_EPOCH, Touched
from localnet.messages import AccountKeys, resolve_keys

Undo = Mapping[Pubkey, Account | None]


@dataclass(frozen=True, slots=True)
class Executed:
    """What running a transaction did. ``before`` and ``after`` are its accounts by index in ``keys``.

    ``charged``: it paid its fee, so it belongs into a block, whatever its ``error``.
    """

    error: TransactionErrorType | None
    metadata: TransactionMetadata
    keys: AccountKeys
    before: tuple[Account | None, ...]
    after: tuple[Account | None, ...]
    charged: bool


@dataclass(frozen=True, slots=True)
class Simulated:
    """What running a transaction would do; ``accounts`` are those it would leave, empty where it would fail."""

    error: TransactionErrorType | None
    metadata: TransactionMetadata
    accounts: dict[Pubkey, Account]


class Bank:
    """The accounts of the chain. ``undo`` is, for each block that isn't finalized, oldest first, what undoes it."""

    def __init__(
        self,
        accounts: Iterable[tuple[Pubkey, Account]],
        programs: Mapping[Pubkey, bytes],
        undo: Mapping[int, Undo] | None = None,
    ) -> None:
        self._svm = LiteSVM()
        self._svm.with_transaction_history(0)
        self._svm.with_blockhash_check(False)
        for address, program in programs.items():
            self._svm.add_program(address, program)
        for address, account in accounts:
            self._svm.set_account(address, account)
        self._undo = dict(undo or {})
        self._open: dict[Pubkey, Account | None] = {}

    def open_block(self, slot: int, unix_time: int) -> None:
        """Set the clock that programs read."""
        self._svm.warp_to_slot(slot)
        clock = self._svm.get_clock()
        clock.unix_timestamp = unix_time
        self._svm.set_clock(clock)

    def execute(self, transaction: VersionedTransaction) -> Executed:
        """Run ``transaction`` in the open block; its signatures are checked."""
        keys = resolve_keys(transaction.message, self._live)
        before = tuple(self._live(key) for key in keys.all)
        outcome = self._svm.send_transaction(transaction)
        named = tuple(zip(keys.all, keys.writable, before, strict=True))
        after = tuple(self._live(key) if writable else old for key, writable, old in named)
        failed = isinstance(outcome, FailedTransactionMetadata)
        charged = not failed or _lamports(before[0]) != _lamports(after[0])
        if charged:
            for key, writable, old in named:
                if writable:
                    self._open.setdefault(key, old)
        if isinstance(outcome, FailedTransactionMetadata):
            return Executed(outcome.err(), outcome.meta(), keys, before, after, charged)
        return Executed(None, outcome, keys, before, after, charged)

    def simulate(self, transaction: VersionedTransaction, *, verify: bool) -> Simulated:
        """Run ``transaction`` on the open block's accounts without changing them."""
        self._svm.with_sigverify(verify)
        try:
            outcome = self._svm.simulate_transaction(transaction)
        finally:
            self._svm.with_sigverify(True)
        if isinstance(outcome, FailedTransactionMetadata):
            return Simulated(outcome.err(), outcome.meta(), {})
        return Simulated(None, outcome.meta(), dict(outcome.post_accounts()))

    def touched(self) -> Sequence[Touched]:
        """What the open block has made of each account it touched."""
        return [Touched(key, before, self._live(key)) for key, before in self._open.items()]

    def close_block(self, number: int, finalized: int) -> None:
        """The open block becomes the block ``number``; blocks up to ``finalized`` can no longer be undone."""
        for settled in [block for block in self._undo if block <= finalized]:
            del self._undo[settled]
        if self._open:
            self._undo[number] = self._open
        self._open = {}

    def before(self, number: int) -> dict[Pubkey, Account | None]:
        """Every account touched by the block ``number`` or a later closed one, as it was before that block."""
        found: dict[Pubkey, Account | None] = {}
        for block in reversed(self._undo):
            if block >= number:
                found |= self._undo[block]
        return found

    def drop(self, number: int) -> None:
        """Undo the open block, and the block ``number`` with those after it."""
        for key, account in (self._open | self.before(number)).items():
            self._svm.set_account(key, account or _NOTHING)
        self._undo = {block: undo for block, undo in self._undo.items() if block < number}
        self._open = {}

    def account(self, address: Pubkey, number: int) -> Account | None:
        """The account as the block ``number`` left it, which isn't older than the finalized one."""
        holder: Undo | None = self._open if address in self._open else None
        for later in reversed(self._undo):
            if later <= number:
                break
            if address in self._undo[later]:
                holder = self._undo[later]
        return self._live(address) if holder is None else holder[address]

    def owned_by(self, program: Pubkey, number: int) -> list[tuple[Pubkey, Account]]:
        """Every account that ``program`` owned after the block ``number``."""
        found = dict(self._svm.get_program_accounts(program))
        for key, account in (self._open | self.before(number + 1)).items():
            found.pop(key, None)
            if account and account.owner == program:
                found[key] = account
        return list(found.items())

    def rent_exempt_minimum(self, size: int) -> int:
        """The least lamports an account of ``size`` bytes must hold."""
        return self._svm.minimum_balance_for_rent_exemption(size)

    def _live(self, address: Pubkey) -> Account | None:
        account = self._svm.get_account(address)
        return account if account and account.lamports else None


_NOTHING = Account(0, b"", SYSTEM_PROGRAM, False, RENT_EXEMPT_EPOCH)


def _lamports(account: Account | None) -> int:
    return account.lamports if account else 0
