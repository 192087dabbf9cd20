"""The canaries that a wallet has made: one for each guard key that an engine has signed for it with."""

from __future__ import annotations

from chains.errors import UnansweredError
from chains.wallet_history import WalletHistory


async def canaries_of(wallet: str, history: WalletHistory) -> dict[str, int]:
    """In which slot each was made, by its address, as the endpoint shows it now, confirmed.

    Those that earlier versions made say nothing of themselves. Raises ``ChainUnavailableError``.
    """
    found: dict[str, int] = {}
    tip = await history.tip("confirmed")
    async for page in history.pages(wallet, at_slot=tip.slot):
        for listed in page:
            if listed.canary and not listed.failed:
                made = await history.movement(listed.signature, wallet)
                if made is None:
                    raise UnansweredError(history.name, f"it lists {listed.signature}, and does not show it")
                if made.signed and made.guard is not None:
                    found[made.guard] = made.slot
    return found
