"""The accounts that a wallet is known to have: where its tokens are, and what no venue has any business with."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from solders.pubkey import Pubkey
from solders.token import ID as TOKEN
from solders.token.associated import get_associated_token_address

TOKEN_2022 = Pubkey.from_string("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb")


@lru_cache(maxsize=4_096)  # two hashes and a curve check each, and always the same few
def token_account(wallet: str, mint: str) -> Pubkey:
    """The wallet's associated token account of ``mint``, an SPL Token."""
    return get_associated_token_address(Pubkey.from_string(wallet), Pubkey.from_string(mint), TOKEN)


def own_accounts(wallet: str, mints: Iterable[str]) -> frozenset[Pubkey]:
    """Every associated token account that the wallet may have of ``mints``, by either token program."""
    owner, keys = Pubkey.from_string(wallet), [Pubkey.from_string(mint) for mint in mints]
    return frozenset(
        get_associated_token_address(owner, key, program) for key in keys for program in (TOKEN, TOKEN_2022)
    )
