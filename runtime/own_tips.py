"""What is the wallet's own, and that no tip goes there: such a swap pays nobody, and landers drop it."""

from __future__ import annotations

from collections.abc import Mapping

from solders.pubkey import Pubkey

from chains.guard import GuardKey
from chains.own_accounts import own_accounts
from chains.tips import Tip
from domain.tokens import KNOWN_TOKENS


def off_limits(wallet: str, key: GuardKey) -> frozenset[Pubkey]:
    """The wallet's token accounts, and the canary of its guard key."""
    canary = Pubkey.from_string(key.canary(wallet).address)
    return own_accounts(wallet, [token.mint for token in KNOWN_TOKENS.tokens]) | {canary}


def own_among(accounts: tuple[str, ...], wallet: str, key: GuardKey) -> list[str]:
    """Those of ``accounts`` that are the wallet (base58), or its own."""
    own = {wallet, *map(str, off_limits(wallet, key))}
    return [account for account in accounts if account in own]


def tips_itself(tips: Mapping[str, Tip], wallet: str, key: GuardKey) -> str | None:
    """Why nothing may be signed with the wallet while ``tips``, by their settings' names, are as they are: a sentence.
    None where they go to others.
    """
    for name, tip in tips.items():
        if own := own_among(tip.accounts, wallet, key):
            return f"{name} names {own[0]}, which is the wallet {wallet} or its own: set the lander's tip accounts"
    return None
