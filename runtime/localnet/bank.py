"""Executes transactions on LiteSVM, and shows accounts as they were when the last block was closed.

LiteSVM keeps no history here and checks no blockhash: which transactions may still run is for ``chain`` to know.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from solders.account import Account
from solders.litesvm import LiteSVM
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata, TransactionMetadata
from solders.transaction_status import TransactionErrorType

from runtime.localnet.messages import AccountKeys, resolve_keys


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
    """The accounts of the chain: executes into the open block, reads from the last closed one."""

    def __init__(self, accounts: Iterable[tuple[Pubkey, Account]], programs: dict[Pubkey, bytes]) -> None:
        self._svm = LiteSVM()
        self._svm.with_transaction_history(0)
        self._svm.with_blockhash_check(False)
        for address, program in programs.items():
            self._svm.add_program(address, program)
        for address, account in accounts:
            self._svm.set_account(address, account)
        # The closed block's version of each account the open block has touched.
        self._closed: dict[Pubkey, Account | None] = {}

    def open_block(self, slot: int, unix_time: int) -> None:
        """Set what programs read as the time."""
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
                    self._closed.setdefault(key, old)
        if isinstance(outcome, FailedTransactionMetadata):
            return Executed(outcome.err(), outcome.meta(), keys, before, after, charged)
        return Executed(None, outcome, keys, before, after, charged)

    def simulate(self, transaction: VersionedTransaction, *, verify: bool) -> Simulated:
        """Run ``transaction`` on the open block's accounts and keep nothing of it."""
        self._svm.with_sigverify(verify)
        try:
            outcome = self._svm.simulate_transaction(transaction)
        finally:
            self._svm.with_sigverify(True)
        if isinstance(outcome, FailedTransactionMetadata):
            return Simulated(outcome.err(), outcome.meta(), {})
        return Simulated(None, outcome.meta(), dict(outcome.post_accounts()))

    def touched(self) -> Sequence[tuple[Pubkey, Account | None]]:
        """What the open block has made of each account it touched."""
        return [(key, self._live(key)) for key in self._closed]

    def close_block(self) -> None:
        """From here on reads see what the open block did."""
        self._closed.clear()

    def account(self, address: Pubkey) -> Account | None:
        return self._closed[address] if address in self._closed else self._live(address)

    def owned_by(self, program: Pubkey) -> list[tuple[Pubkey, Account]]:
        """Every account ``program`` owns."""
        found = dict(self._svm.get_program_accounts(program))
        for key, account in self._closed.items():
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


def _lamports(account: Account | None) -> int:
    return account.lamports if account else 0
