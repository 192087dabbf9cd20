"""Whether a simulated transaction does to the wallet what the order allows, by the calls that its programs made.

Only the token and system programs can change a token account or the wallet, and a few other native programs what else
the wallet's signature is good for, so their calls are all there is to see. Unlike balances before and after, they hold
still while other orders of the same wallet trade.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from chains.decoding import Decoded
from chains.errors import TransactionRefusedError
from chains.inner_instructions import Call, UnreadableCallError, calls_of
from chains.refusals import RefusalReason
from chains.transaction_checks import AllowedSwap


def check_simulated(
    inner: Sequence[Mapping[str, object]] | None, decoded: Decoded, swap: AllowedSwap, *, rent: int
) -> None:
    """Raise TransactionRefusedError unless ``inner``, what the programs called, agrees with ``swap``.

    ``decoded`` has passed ``check``, so what it asks for itself is known. ``rent`` is what the account that the swap
    pays into may take where it is made, in lamports. ``inner`` is None where the node doesn't show it: then nothing is
    proven, and it is refused.
    """
    if inner is None:
        raise TransactionRefusedError("the node does not show what its programs called", RefusalReason.SIMULATED_UNSEEN)
    try:
        calls = list(calls_of(inner, decoded.keys))
    except UnreadableCallError as error:
        raise TransactionRefusedError(str(error), RefusalReason.SIMULATED_UNSEEN) from None
    paid, gained = _tokens_moved(calls, swap)
    if paid > swap.amount_in:
        raise TransactionRefusedError(
            f"simulated it pays {paid}, the order allows {swap.amount_in}", RefusalReason.SIMULATED_TOO_MUCH_IN
        )
    if gained < swap.minimum_out:
        raise TransactionRefusedError(
            f"simulated it gains {gained}, the order asks for {swap.minimum_out}",
            RefusalReason.SIMULATED_TOO_LITTLE_OUT,
        )
    taken = [call for call in calls if call.is_system and call.source == swap.wallet and call.amount]
    lamports = sum(call.amount for call in taken)
    if lamports > rent or any(call.destination != str(swap.destination) for call in taken):
        raise TransactionRefusedError(
            f"simulated it takes {lamports} lamports beside the guard's rent, for another account than the one that it "
            "pays into, or more than that one's rent",
            RefusalReason.SIMULATED_LAMPORTS,
        )


def _tokens_moved(calls: Iterable[Call], swap: AllowedSwap) -> tuple[int, int]:
    """What leaves the account of the token in, and what comes into that of the token out, in base units.

    Raises where anything else of the wallet's is touched, or one of its accounts changes in any other way.
    """
    source, destination = str(swap.source), str(swap.destination)
    ours = {swap.wallet, source, destination, *map(str, swap.off_limits)}
    paid = gained = 0
    for call in calls:
        if not call.is_system and call.source is not None:
            if call.source == source:
                paid += call.amount
            elif call.authority == swap.wallet or call.source in ours:
                raise TransactionRefusedError(
                    f"simulated it pays from another account of ours: {call.source}", RefusalReason.SIMULATED_CHANGE
                )
            if call.destination == destination:
                gained += call.amount
        elif _changes(call, ours, swap):
            raise TransactionRefusedError(
                f"simulated it changes an account of ours: {call.reason}", RefusalReason.SIMULATED_CHANGE
            )
    return paid, gained


def _changes(call: Call, ours: set[str], swap: AllowedSwap) -> bool:
    """Whether a call that moves no tokens changes what is ours; the account that the swap pays into may be made."""
    touched = call.mentions & ours
    if not call.is_system:
        return bool(touched) and not call.is_making
    if call.source == swap.wallet:
        # Lamports that leave the wallet, also into a new account, are counted by themselves.
        return call.reason not in (RefusalReason.TRANSFER, RefusalReason.ACCOUNT_MADE)
    # The wallet may allow what leaves another account of its own, a nonce or one made from a seed. What names but the
    # wallet and who pays it is a gift.
    is_gift = call.destination == swap.wallet and call.mentions == {call.source, swap.wallet}
    return not is_gift and bool(touched - {str(swap.destination)})
