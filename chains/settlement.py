"""What a transaction moved: read from its own balances, never from the quote."""

from __future__ import annotations

from collections.abc import Sequence

from chains.answers import LandedTransaction, TokenBalance
from chains.protocol import SentTransaction
from chains.transaction_errors import CustomCodes, transaction_error
from domain.evidence import Commitment, Landing
from domain.tokens import SOL


def settle(
    found: LandedTransaction, sent: SentTransaction, *, commitment: Commitment, custom_codes: CustomCodes
) -> Landing:
    """The landing of ``sent`` as ``found`` shows it, in base units.

    What the wallet got more of the token in, or less of the token out, is not an amount of this order and counts as 0.
    """
    meta, message = found.meta, found.transaction.message
    if meta.err is not None:
        keys = message.account_keys
        programs = [keys[one.program_id_index] for one in message.instructions if one.program_id_index < len(keys)]
        error = transaction_error(meta.err, meta.log_messages or (), programs=programs, custom_codes=custom_codes)
        amount_in = amount_out = 0
    else:
        error = None
        amount_in = max(0, -_gained(found, sent.wallet, sent.token_in))
        amount_out = max(0, _gained(found, sent.wallet, sent.token_out))
    return Landing(
        signature=sent.signature,
        slot=found.slot,
        commitment=commitment,
        amount_in=amount_in,
        amount_out=amount_out,
        fee_lamports=meta.fee,
        error=error,
    )


def _gained(found: LandedTransaction, wallet: str, mint: str) -> int:
    """How much more of ``mint`` the wallet holds after the transaction, over all its token accounts.

    A wrapped-SOL account that is opened or closed in the transaction shows no token balance on that side: then what
    the wallet gained is in lamports.
    """
    before = _accounts(found.meta.pre_token_balances, wallet)
    after = _accounts(found.meta.post_token_balances, wallet)
    held_before = {index: one.ui_token_amount.amount for index, one in before.items() if one.mint == mint}
    held_after = {index: one.ui_token_amount.amount for index, one in after.items() if one.mint == mint}
    gained = sum(held_after.values()) - sum(held_before.values())
    if mint == SOL.mint and (held_before.keys() != held_after.keys() or gained == 0):
        return _lamports_gained(found, wallet, before.keys() | after.keys())
    return gained


def _lamports_gained(found: LandedTransaction, wallet: str, token_accounts: set[int]) -> int:
    """Lamports gained by the wallet and its token accounts together, the network fee added back where it paid it.

    Together, because the rent of an account it opens or closes only moves between them.
    """
    meta, keys = found.meta, found.transaction.message.account_keys
    if wallet not in keys:
        return 0
    held = {keys.index(wallet)} | token_accounts
    fee = meta.fee if keys[0] == wallet else 0
    return sum(meta.post_balances[index] - meta.pre_balances[index] for index in held) + fee


def _accounts(balances: Sequence[TokenBalance] | None, wallet: str) -> dict[int, TokenBalance]:
    return {one.account_index: one for one in balances or () if one.owner == wallet}
