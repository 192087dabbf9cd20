"""The transaction that closes guards: what lies in them goes back to the wallet, signed by their authority.

A guard is a token account: strangers may pay lamports into it, which close with it, and tokens, which must leave first.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from solders.compute_budget import set_compute_unit_limit
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.message import MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.token import ID as TOKEN
from solders.token.associated import get_associated_token_address

from chains.answers import LandedTransaction
from chains.balance_change import balance_change
from chains.errors import TransactionRefusedError
from chains.guard import MINT, TOKEN_PROGRAM
from chains.transaction_errors import transaction_error
from chains.transactions import (
    COMPUTE_BUDGET_PROGRAM,
    MAX_COMPUTE_UNITS,
    MAX_TRANSACTION_BYTES,
    MEMO_PROGRAM,
    unit_limit,
)
from domain.evidence import TransactionError
from domain.tokens import SOL

_TRANSFER, _CLOSE_ACCOUNT = b"\x03", b"\x09"
_SIGNATURES, _SIGNATURE_BYTES = 2, 64


@dataclass(frozen=True, slots=True)
class ClosingGuard:
    """A guard to close, and the base units of its mint that lie in it."""

    guard: str
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class ReclaimLanding:
    """A reclaim that is in a block: ``lamports`` and ``tokens`` are what the wallet has more of, the fee apart."""

    slot: int
    lamports: int
    tokens: int
    fee_lamports: int
    error: TransactionError | None = None


def reclaim_memo(reclaim_id: UUID) -> str:
    """What a reclaim carries. It is no order's memo, and ties the chain to the log as those do."""
    return f"surefill-reclaim:{reclaim_id}"


def token_account_of(wallet: str) -> str:
    """Where the tokens go that lie in guards."""
    return str(get_associated_token_address(Pubkey.from_string(wallet), MINT))


def compose_reclaim(
    guards: Sequence[ClosingGuard],
    *,
    wallet: str,
    authority: str,
    reclaim_id: UUID,
    blockhash: str,
    compute_units: int = MAX_COMPUTE_UNITS,
) -> MessageV0:
    """The unsigned message, paid by ``wallet``, signed by it and ``authority``. ``compute_units``: what it used."""
    payer, closer = Pubkey.from_string(wallet), Pubkey.from_string(authority)
    limit = set_compute_unit_limit(unit_limit(compute_units))
    closing = [step for guard in guards for step in _close(guard, payer, closer)]
    memo = Instruction(
        Pubkey.from_string(MEMO_PROGRAM), reclaim_memo(reclaim_id).encode(), [AccountMeta(payer, True, False)]
    )
    return MessageV0.try_compile(payer, [limit, *closing, memo], [], Hash.from_string(blockhash))


def fits(message: MessageV0) -> bool:
    """Whether it fits into a packet once it is signed."""
    return 1 + _SIGNATURES * _SIGNATURE_BYTES + len(to_bytes_versioned(message)) <= MAX_TRANSACTION_BYTES


def check_reclaim(message: MessageV0, *, wallet: str, authority: str, kept: Collection[str] = ()) -> None:
    """Raise TransactionRefusedError unless all that ``message`` does is to empty and close accounts of ``authority`` in
    favour of ``wallet``, none of ``kept`` among them.
    """
    keys = [str(key) for key in message.account_keys]
    if keys[:2] != [wallet, authority] or message.header.num_required_signatures != _SIGNATURES:
        raise TransactionRefusedError("it asks for other signatures than the wallet's and the guard authority's")
    if message.address_table_lookups:
        raise TransactionRefusedError("it uses an address lookup table")
    receivers = {_CLOSE_ACCOUNT: wallet, _TRANSFER: token_account_of(wallet)}
    for step in message.instructions:
        program, data = keys[step.program_id_index], bytes(step.data)
        if program in (COMPUTE_BUDGET_PROGRAM, MEMO_PROGRAM):
            continue
        accounts = [keys[index] for index in step.accounts]
        if program != TOKEN_PROGRAM or accounts[1:] != [receivers.get(data[:1]), authority]:
            raise TransactionRefusedError("it does something else than to close guards in favour of the wallet")
        if accounts[0] in kept:
            raise TransactionRefusedError("it closes a guard that is never closed")


def settle_reclaim(found: LandedTransaction, wallet: str) -> ReclaimLanding:
    """What a reclaim that is in a block did."""
    meta, message = found.meta, found.transaction.message
    if meta.err is not None:
        keys = message.account_keys
        programs = [keys[step.program_id_index] for step in message.instructions if step.program_id_index < len(keys)]
        error = transaction_error(meta.err, meta.log_messages or (), programs=programs, custom_codes={})
        return ReclaimLanding(found.slot, 0, 0, meta.fee, error)
    gained = balance_change(meta, message.account_keys, wallet).of_all()
    return ReclaimLanding(found.slot, gained.get(SOL.mint, 0), gained.get(str(MINT), 0), meta.fee)


def _close(guard: ClosingGuard, wallet: Pubkey, authority: Pubkey) -> list[Instruction]:
    account, signer = AccountMeta(Pubkey.from_string(guard.guard), False, True), AccountMeta(authority, True, False)
    close = Instruction(TOKEN, _CLOSE_ACCOUNT, [account, AccountMeta(wallet, False, True), signer])
    if not guard.tokens:
        return [close]
    receiver = AccountMeta(Pubkey.from_string(token_account_of(str(wallet))), False, True)
    data = _TRANSFER + guard.tokens.to_bytes(8, "little")
    return [Instruction(TOKEN, data, [account, receiver, signer]), close]
