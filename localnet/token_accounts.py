"""SPL token accounts and mints as the RPC shows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from solders.account import Account
from solders.pubkey import Pubkey
from solders.token import ID as TOKEN_PROGRAM
from solders.token.state import Mint, TokenAccount

from domain.numbers import to_units

TOKEN_2022 = Pubkey.from_string("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb")
TOKEN_PROGRAMS = (TOKEN_PROGRAM, TOKEN_2022)
_PROGRAM_NAMES = {TOKEN_PROGRAM: "spl-token", TOKEN_2022: "spl-token-2022"}
_ACCOUNT_SIZE = 165
_MINT_SIZE = 82

# Few addresses hold most of the token accounts.
_text = lru_cache(maxsize=4096)(str)

Lookup = Callable[[Pubkey], Account | None]


@dataclass(frozen=True, slots=True)
class Holding:
    """What a token account says, read from its bytes: parsing each whole one would cost more than a swap."""

    mint: Pubkey
    owner: Pubkey
    amount: int
    program: Pubkey


def holding(account: Account | None) -> Holding | None:
    """The token balance in ``account``, or None where it is no token account."""
    if not account or account.owner not in _PROGRAM_NAMES:
        return None
    data = bytes(account.data)
    # The 109th byte is the state; 0 is an account that was never initialised.
    if len(data) < _ACCOUNT_SIZE or not data[108]:
        return None
    return Holding(Pubkey(data[:32]), Pubkey(data[32:64]), int.from_bytes(data[64:72], "little"), account.owner)


def decimals_of(mint: Pubkey, lookup: Lookup) -> int | None:
    """How many decimals a token has, or None where ``mint`` is no mint."""
    account = lookup(mint)
    if not account or account.owner not in _PROGRAM_NAMES or len(account.data) < _MINT_SIZE:
        return None
    return bytes(account.data)[44]


def supply_of(mint: Pubkey, lookup: Lookup) -> int:
    """How many base units of a token there are. ``mint`` is one: ``decimals_of`` says."""
    account = lookup(mint)
    return int.from_bytes(bytes(account.data)[36:44], "little") if account else 0


def ui_amount(amount: int, decimals: int) -> dict[str, Any]:
    """``uiAmount`` is a JSON number because a real node's is; whoever counts reads ``amount``."""
    text = to_units(amount, decimals)
    return {"amount": str(amount), "decimals": decimals, "uiAmount": float(text), "uiAmountString": text}


def token_balances(accounts: tuple[Account | None, ...], decimals: Callable[[Pubkey], int | None]) -> list[Any]:
    """Entries of preTokenBalances and postTokenBalances for a transaction's accounts, by index."""
    entries = []
    for index, account in enumerate(accounts):
        held = holding(account)
        places = decimals(held.mint) if held else None
        if held and places is not None:
            entries.append(
                {
                    "accountIndex": index,
                    "mint": _text(held.mint),
                    "owner": _text(held.owner),
                    "programId": _text(held.program),
                    "uiTokenAmount": ui_amount(held.amount, places),
                }
            )
    return entries


def parsed(account: Account, lookup: Lookup) -> dict[str, Any] | None:
    """The jsonParsed data of a token account or a mint; None where it is neither and stays base64."""
    if account.owner not in _PROGRAM_NAMES:
        return None
    held = holding(account)
    if held:
        info = _parsed_holding(TokenAccount.from_bytes(bytes(account.data)[:_ACCOUNT_SIZE]), lookup)
    elif len(account.data) >= _MINT_SIZE:
        info = _parsed_mint(Mint.from_bytes(bytes(account.data)[:_MINT_SIZE]))
    else:
        return None
    kind = "account" if held else "mint"
    body = {"type": kind, "info": info}
    return {"program": _PROGRAM_NAMES[account.owner], "parsed": body, "space": len(account.data)}


def _parsed_holding(account: TokenAccount, lookup: Lookup) -> dict[str, Any]:
    decimals = decimals_of(account.mint, lookup) or 0
    info: dict[str, Any] = {
        "mint": str(account.mint),
        "owner": str(account.owner),
        "tokenAmount": ui_amount(account.amount, decimals),
        "state": str(account.state).rsplit(".", 1)[-1].lower(),
        "isNative": account.is_native is not None,
    }
    if account.delegate:
        info["delegate"] = str(account.delegate)
        info["delegatedAmount"] = ui_amount(account.delegated_amount, decimals)
    if account.is_native is not None:
        info["rentExemptReserve"] = ui_amount(account.is_native, decimals)
    if account.close_authority:
        info["closeAuthority"] = str(account.close_authority)
    return info


def _parsed_mint(mint: Mint) -> dict[str, Any]:
    return {
        "mintAuthority": str(mint.mint_authority) if mint.mint_authority else None,
        "supply": str(mint.supply),
        "decimals": mint.decimals,
        "isInitialized": mint.is_initialized,
        "freezeAuthority": str(mint.freeze_authority) if mint.freeze_authority else None,
    }
