"""The accounts a local chain starts with: mints, wallets, pools, the native mint that LiteSVM lacks."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal

from solders.account import Account
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM
from solders.token import ID as TOKEN_PROGRAM
from solders.token.associated import get_associated_token_address
from solders.token.state import Mint, TokenAccount, TokenAccountState

from domain.tokens import SOL, Token
from localnet.ledger_rows import RENT_EXEMPT_EPOCH
from localnet.world import (
    FAUCET_LAMPORTS,
    MARKET_HOLDS,
    TOKENS,
    WALLET_HOLDS,
    WALLET_LAMPORTS,
    PoolSpec,
    base_units,
    pools,
)
from venues.constant_product import PROGRAM_ID, Pool, encode_pool

# What an account of these sizes must hold to be exempt from rent: (size + 128) bytes * 3480 lamports * 2 years.
_RENT_A_BYTE = 6960
_RENT_OVERHEAD = 128


def genesis_accounts(wallet: Pubkey, market: Pubkey, faucet: Pubkey) -> list[tuple[Pubkey, Account]]:
    """Every account of the new chain. The same arguments give the same addresses: pools stand where they always do."""
    supplies: Counter[Token] = Counter()
    accounts = [
        (wallet, _system_account(WALLET_LAMPORTS)),
        (market, _system_account(WALLET_LAMPORTS)),
        (faucet, _system_account(FAUCET_LAMPORTS)),
    ]
    for owner, holds in ((wallet, WALLET_HOLDS), (market, MARKET_HOLDS)):
        accounts += _holdings(owner, holds, supplies)
    for spec in pools():
        accounts += _pool_accounts(spec, supplies)
    accounts += [(_key(token.mint), _mint(token, supplies[token])) for token in TOKENS]
    return accounts


def _holdings(owner: Pubkey, holds: Mapping[Token, Decimal], supplies: Counter[Token]) -> list[tuple[Pubkey, Account]]:
    return [_token_account(owner, token, base_units(token, amount), supplies) for token, amount in holds.items()]


def _pool_accounts(spec: PoolSpec, supplies: Counter[Token]) -> list[tuple[Pubkey, Account]]:
    address = Pubkey(hashlib.sha256(f"{spec.venue} {spec.pair.symbol}".encode()).digest())
    authority, bump = Pubkey.find_program_address([bytes(address)], _key(PROGRAM_ID))
    base = _token_account(authority, spec.pair.base, spec.base, supplies)
    quote = _token_account(authority, spec.pair.quote, spec.quote, supplies)
    pool = Pool(
        address=str(address),
        program=PROGRAM_ID,
        authority=str(authority),
        bump=bump,
        venue=spec.venue,
        fee_bps=spec.fee_bps,
        mints=(spec.pair.base.mint, spec.pair.quote.mint),
        vaults=(str(base[0]), str(quote[0])),
    )
    return [base, quote, (address, _account(encode_pool(pool), _key(PROGRAM_ID)))]


def _token_account(owner: Pubkey, token: Token, amount: int, supplies: Counter[Token]) -> tuple[Pubkey, Account]:
    """The associated token account of ``owner`` holding ``amount``; wrapped SOL holds it in lamports as well."""
    native = token == SOL
    if not native:  # the native mint counts no supply
        supplies[token] += amount
    size = 165
    reserve = _rent_exempt(size)
    data = TokenAccount(
        mint=_key(token.mint),
        owner=owner,
        amount=amount,
        delegate=None,
        state=TokenAccountState.Initialized,
        is_native=reserve if native else None,
        delegated_amount=0,
    )
    address = get_associated_token_address(owner, _key(token.mint))
    return address, _account(bytes(data), TOKEN_PROGRAM, extra=amount if native else 0)


def _mint(token: Token, supply: int) -> Account:
    """A mint without authorities: what exists at genesis is all there will be."""
    return _account(bytes(Mint(None, supply, token.decimals, is_initialized=True)), TOKEN_PROGRAM)


def _system_account(lamports: int) -> Account:
    return Account(lamports, b"", SYSTEM_PROGRAM, False, RENT_EXEMPT_EPOCH)


def _account(data: bytes, owner: Pubkey, *, extra: int = 0) -> Account:
    return Account(_rent_exempt(len(data)) + extra, data, owner, False, RENT_EXEMPT_EPOCH)


def _rent_exempt(size: int) -> int:
    return (size + _RENT_OVERHEAD) * _RENT_A_BYTE


def _key(address: str) -> Pubkey:
    return Pubkey.from_string(address)
