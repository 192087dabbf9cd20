"""What a transaction moved: read from its own balances, never from the quote."""

from __future__ import annotations

from collections.abc import Iterable

from chains.answers import LandedTransaction
from chains.balance_change import balance_change
from chains.errors import UnbelievableError
from chains.protocol import SentTransaction
from chains.transaction_errors import CustomCodes, transaction_error
from domain.evidence import Commitment, Landing
from domain.numbers import U64_MAX


def alike(landings: Iterable[Landing | None]) -> Landing | None:
    """What most endpoints show of a transaction, a success before a failure, with the names of all that show it so."""
    found = [landing for landing in landings if landing]
    successes = [landing for landing in found if landing.error is None]
    groups: dict[object, list[Landing]] = {}
    for landing in successes or found:
        groups.setdefault(_said(landing), []).append(landing)
    if not groups:
        return None
    most = max(groups.values(), key=len)
    if len(most) == 1:
        return most[0]
    return most[0].model_copy(update={"shown_by": tuple(name for landing in most for name in landing.shown_by)})


def _said(landing: Landing) -> object:
    """What two endpoints must show alike of a success; whatever a failure is for, it moved nothing."""
    if landing.error:
        return None
    amounts = (landing.amount_in, landing.amount_out, landing.fee_lamports, landing.guard_rent_lamports)
    return (landing.slot, *amounts)


def settle(
    found: LandedTransaction,
    sent: SentTransaction,
    *,
    commitment: Commitment,
    custom_codes: CustomCodes,
    shown_by: str,
    configured: int,
) -> Landing:
    """The landing of ``sent`` as the endpoint ``shown_by``, of ``configured`` ones, shows it, in base units.

    What the wallet got more of the token in, or less of the token out, is not an amount of this order and counts as 0.
    Raises ``UnbelievableError`` where it cost more than ``sent`` was signed for, or moved more than a u64 holds.
    """
    meta, message = found.meta, found.transaction.message
    if sent.most_fee_lamports is not None and meta.fee > sent.most_fee_lamports:
        figures = f"a fee of {meta.fee} lamports for one that costs {sent.most_fee_lamports} at most"
        raise UnbelievableError(shown_by, f"getTransaction was answered with {figures}")
    if meta.err is not None:
        keys = message.account_keys
        programs = [keys[step.program_id_index] for step in message.instructions if step.program_id_index < len(keys)]
        error = transaction_error(meta.err, meta.log_messages or (), programs=programs, custom_codes=custom_codes)
        amount_in = amount_out = guard_rent = account_rent = 0
    else:
        error = None
        change = balance_change(meta, message.account_keys, sent.wallet, sent.guard, tip_lamports=sent.tip_lamports)
        amount_in = max(0, -change.of(sent.token_in))
        amount_out = max(0, change.of(sent.token_out))
        guard_rent = max(0, change.guard_lamports)
        account_rent = max(0, change.account_rent_lamports)
    amounts = {"in": amount_in, "out": amount_out, "guard rent": guard_rent, "account rent": account_rent}
    if beyond := {name: amount for name, amount in amounts.items() if amount > U64_MAX}:
        figures = ", ".join(f"{name} {amount}" for name, amount in beyond.items())
        raise UnbelievableError(shown_by, f"getTransaction was answered with more than a u64 holds: {figures}")
    return Landing(
        signature=sent.signature,
        slot=found.slot,
        commitment=commitment,
        amount_in=amount_in,
        amount_out=amount_out,
        fee_lamports=meta.fee,
        guard_rent_lamports=guard_rent if sent.guard else None,
        account_rent_lamports=account_rent,
        error=error,
        shown_by=(shown_by,),
        configured=configured,
    )
