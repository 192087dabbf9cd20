"""The last look before signing: the message does this swap and nothing else, whoever proposed its instructions.

Everything that it asks for is decoded and has to be known: what isn't named here as allowed is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from solders.message import Message, MessageV0
from solders.pubkey import Pubkey

from chains.asked_of_programs import COMPUTE_BUDGET, MEMO, TOKEN_PROGRAMS, meant_by, priority_lamports
from chains.decoding import Decoded, LookupTables, Step, decode
from chains.errors import TransactionRefusedError
from chains.guard import Guard
from chains.own_accounts import token_account
from chains.refusals import RefusalReason
from chains.tips import Tip, without_tips
from chains.transactions import ATA_PROGRAM, MAX_TRANSACTION_BYTES
from domain.swap_terms import SwapReader

_SYSTEM = Pubkey.default()
_ATA = Pubkey.from_string(ATA_PROGRAM)
_CREATIONS = (b"", b"\x00", b"\x01")
"""The data of ``Create``, in both its forms, and of ``CreateIdempotent``."""


@dataclass(frozen=True)
class AllowedSwap:
    """The one swap that a transaction may do: from the wallet's account of ``token_in`` at most ``amount_in``, into its
    account of ``token_out`` at least ``minimum_out``, in base units; ``exact_out`` where the order names the latter.

    ``readers`` are the programs that may be called, and who reads their instructions; ``off_limits`` are accounts of
    ours that nothing may name, the order's two tokens apart.
    """

    wallet: str
    token_in: str
    token_out: str
    amount_in: int
    minimum_out: int
    readers: Mapping[Pubkey, SwapReader]
    off_limits: frozenset[Pubkey]
    exact_out: bool = False

    @cached_property
    def source(self) -> Pubkey:
        return token_account(self.wallet, self.token_in)

    @cached_property
    def destination(self) -> Pubkey:
        return token_account(self.wallet, self.token_out)


def check(
    message: Message | MessageV0,
    *,
    wallet: str,
    memo: str,
    blockhash: str,
    guard: Guard,
    rent: int,
    most_priority_lamports: int,
    swap: AllowedSwap | None,
    tips: Sequence[Tip] = (),
    tables: LookupTables | None = None,
) -> Decoded:
    """The message decoded, where it is safe to sign. Raises TransactionRefusedError, which names the reason.

    ``wallet`` pays and alone signs; after a compute limit, and a price that comes to ``most_priority_lamports`` at
    most, it first makes ``guard`` with ``rent`` lamports, byte for byte, and nothing else names the guard; ``memo`` is
    its one memo; beside that it does ``swap`` once, may make the account that the swap pays into, and pays each of
    ``tips`` once. A cancel has neither ``swap`` nor tips. ``tables`` are the lookup tables it may use, as the chain
    shows them. Signed it fits into a packet.
    """
    decoded = decode(message, tables)
    own = Pubkey.from_string(wallet)
    _check_frame(decoded, own, blockhash)
    after = _steps_after_guard(decoded, guard, rent, most_priority_lamports)
    memos = [step for step in after if step.program == MEMO]
    if memos != [Step(MEMO, (own,), memo.encode())]:
        raise TransactionRefusedError(
            "it does not carry exactly this attempt's memo, signed by the wallet", RefusalReason.WRONG_MEMO
        )
    steps = without_tips([step for step in after if step.program != MEMO], decoded, own, tips)
    _check_swap(steps, own, swap)
    if decoded.size > MAX_TRANSACTION_BYTES:
        raise TransactionRefusedError(
            f"signed it has {decoded.size} bytes, more than the {MAX_TRANSACTION_BYTES} of a packet",
            RefusalReason.TOO_LARGE,
        )
    return decoded


def accounts_made(decoded: Decoded) -> int:
    """How many token accounts a message that was checked makes, at most: each takes its rent, as the guard does."""
    return sum(step.program == _ATA for step in decoded.steps)


def _check_frame(decoded: Decoded, wallet: Pubkey, blockhash: str) -> None:
    if decoded.payer != wallet:
        raise TransactionRefusedError(f"its fee payer is {decoded.payer}, not the wallet", RefusalReason.ANOTHER_PAYER)
    if decoded.signers != 1:
        raise TransactionRefusedError("it asks for another signature than the wallet's", RefusalReason.ANOTHER_SIGNER)
    if str(decoded.blockhash) != blockhash:
        raise TransactionRefusedError("its blockhash is another than ours", RefusalReason.ANOTHER_BLOCKHASH)


def _steps_after_guard(decoded: Decoded, guard: Guard, rent: int, most_lamports: int) -> Sequence[Step]:
    """What the message does once the guard is made. Raises where it doesn't begin so, or names the guard again."""
    steps = decoded.steps
    if steps and steps[0].program == _SYSTEM and meant_by(steps[0]) == RefusalReason.DURABLE_NONCE:
        raise TransactionRefusedError("it advances a nonce: it would never expire", RefusalReason.DURABLE_NONCE)
    limits = next((at for at, step in enumerate(steps) if step.program != COMPUTE_BUDGET), len(steps))
    lamports = priority_lamports(steps[:limits])
    if lamports is None:
        raise TransactionRefusedError("its compute budget isn't one limit and a price", RefusalReason.COMPUTE_BUDGET)
    if lamports > most_lamports:
        raise TransactionRefusedError(
            f"it offers {lamports} lamports for priority, {most_lamports} are allowed", RefusalReason.FEE_TOO_HIGH
        )
    making = _making(guard, rent)
    after = steps[limits + len(making) :]
    if steps[limits : limits + len(making)] != making:
        raise TransactionRefusedError("it does not begin by making the order's guard", RefusalReason.NO_GUARD)
    address = making[0].accounts[1]
    if address not in decoded.keys[: decoded.static]:
        raise TransactionRefusedError("the order's guard isn't in the message itself", RefusalReason.NO_GUARD)
    if any(address == step.program or address in step.accounts for step in after):
        raise TransactionRefusedError("it touches the order's guard after it is made", RefusalReason.GUARD_TOUCHED)
    return after


def _making(guard: Guard, rent: int) -> tuple[Step, ...]:
    return tuple(
        [
            Step(one.program_id, tuple([account.pubkey for account in one.accounts]), bytes(one.data))
            for one in guard.instructions(rent)
        ]
    )


def _check_swap(steps: Sequence[Step], wallet: Pubkey, swap: AllowedSwap | None) -> None:
    """Of each instruction that is neither guard nor memo: it is the swap, or makes the account that the swap fills."""
    swaps = 0
    for step in steps:
        if swap is not None and step.program == _ATA:
            _check_creation(step, wallet, swap)
        elif swap is not None and step.program in swap.readers:
            swaps += 1
            _check_terms(step, wallet, swap)
        else:
            raise TransactionRefusedError(f"it calls {step.program}", _meaning(step))
    if swaps != (swap is not None):
        raise TransactionRefusedError(f"it swaps {swaps} times", RefusalReason.NOT_ONE_SWAP)


def _meaning(step: Step) -> RefusalReason:
    """What a call that nobody may make would have done."""
    if step.program == COMPUTE_BUDGET:
        return RefusalReason.COMPUTE_BUDGET
    if step.program == _SYSTEM or step.program in TOKEN_PROGRAMS:
        return meant_by(step)
    return RefusalReason.UNKNOWN_PROGRAM


def _check_creation(step: Step, wallet: Pubkey, swap: AllowedSwap) -> None:
    mint, token_program = Pubkey.from_string(swap.token_out), TOKEN_PROGRAMS[0]
    if step.data not in _CREATIONS or step.accounts[:6] != (
        wallet,
        swap.destination,
        wallet,
        mint,
        _SYSTEM,
        token_program,
    ):
        raise TransactionRefusedError(
            "it makes a token account that isn't the one the order is paid into", RefusalReason.ACCOUNT_MADE
        )


def _check_terms(step: Step, wallet: Pubkey, swap: AllowedSwap) -> None:
    """The swap is from and to the wallet's own accounts, and the program itself holds the order's limits."""
    terms = swap.readers[step.program](step.data)
    needed = (terms.owner, terms.source, terms.destination, *terms.absent) if terms else ()
    if terms is None or max(needed) >= len(step.accounts) or min(needed) < -len(step.accounts):
        raise TransactionRefusedError(
            f"what it asks of {step.program} can't be read as a swap", RefusalReason.UNREADABLE_SWAP
        )
    if step.accounts[terms.owner] != wallet:
        raise TransactionRefusedError("it swaps for another than the wallet", RefusalReason.WRONG_OWNER)
    if step.accounts[terms.source] != swap.source:
        raise TransactionRefusedError("it pays from another account", RefusalReason.WRONG_SOURCE)
    paid_into = [terms.destination, *(at for at in terms.absent if step.accounts[at] != step.program)]
    if any(step.accounts[at] != swap.destination for at in paid_into):
        raise TransactionRefusedError("it pays into another account", RefusalReason.WRONG_DESTINATION)
    if touched := swap.off_limits.intersection(step.accounts) - {swap.source, swap.destination}:
        raise TransactionRefusedError(
            f"it names an account of ours that is none of the order's: {next(iter(touched))}",
            RefusalReason.OWN_ACCOUNT,
        )
    if terms.exact_out != swap.exact_out:
        raise TransactionRefusedError(
            "it swaps to an exact amount out, or from one in, and the order names the other",
            RefusalReason.WRONG_EXACT_SIDE,
        )
    if terms.amount_in > swap.amount_in:
        raise TransactionRefusedError(
            f"it pays up to {terms.amount_in}, the order allows {swap.amount_in}", RefusalReason.TOO_MUCH_IN
        )
    if terms.minimum_out < swap.minimum_out:
        raise TransactionRefusedError(
            f"it takes as little as {terms.minimum_out}, the order asks for {swap.minimum_out}",
            RefusalReason.MINIMUM_TOO_LOW,
        )
