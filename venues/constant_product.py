"""A constant-product pool of our swap program: its account's layout, its arithmetic, its instruction.

The layout and the formula are those of ``localnet/program/constant_product.c``, to the base unit.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey
from solders.token import ID as TOKEN_PROGRAM
from solders.token.associated import get_associated_token_address

from domain.numbers import BPS, U64_MAX
from domain.quotes import fee_on
from domain.swap_terms import SwapTerms

# An address nobody holds a key to: the local chain places the program there at genesis and it can't be replaced.
PROGRAM_ID = "SurefiLLPooLs111111111111111111111111111111"
POOL_SIZE = 160
_IN_USE = 1
_SWAP, _SWAP_EXACT_OUT = 1, 2
_SWAP_DATA = struct.Struct("<BQQ")
_LAYOUT = struct.Struct("<BBH4x32s32sQ32s32s16s")


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool as its account describes it; addresses in base58. ``fee_bps`` is taken on the input."""

    address: str
    program: str
    authority: str
    bump: int
    venue: str
    fee_bps: int
    mints: tuple[str, str]
    vaults: tuple[str, str]

    def vaults_for(self, token_in: str) -> tuple[str, str]:
        """The vaults (in, out) of a swap that pays ``token_in``."""
        return self.vaults if token_in == self.mints[0] else (self.vaults[1], self.vaults[0])


def decode_pool(address: str, program: str, data: bytes) -> Pool | None:
    """The pool that the account ``data`` describes, or None where it describes none that can be traded."""
    if len(data) < POOL_SIZE:
        return None
    in_use, bump, fee_bps, vault_a, vault_b, _, mint_a, mint_b, label = _LAYOUT.unpack_from(data)
    if in_use != _IN_USE or fee_bps >= BPS:
        return None
    owner, venue = _key(program), _venue(label)
    try:
        authority = Pubkey.create_program_address([bytes(_key(address)), bytes([bump])], owner)
    except Exception:  # noqa: BLE001 - solders' own class for a bump that gives no address can't be imported
        return None
    if venue is None:
        return None
    return Pool(
        address=address,
        program=program,
        authority=str(authority),
        bump=bump,
        venue=venue,
        fee_bps=fee_bps,
        mints=(str(Pubkey(mint_a)), str(Pubkey(mint_b))),
        vaults=(str(Pubkey(vault_a)), str(Pubkey(vault_b))),
    )


def _venue(label: bytes) -> str | None:
    """The name in an account, None where it is none that can be recorded and shown."""
    name = label.rstrip(b"\0").decode("ascii", errors="replace")
    return name if name and name.isascii() and name.isprintable() else None


def encode_pool(pool: Pool) -> bytes:
    """The account data that describes ``pool``: what ``decode_pool`` reads, with no swaps yet."""
    vaults, mints = ([bytes(_key(address)) for address in pair] for pair in (pool.vaults, pool.mints))
    return _LAYOUT.pack(_IN_USE, pool.bump, pool.fee_bps, *vaults, 0, *mints, pool.venue.encode("ascii"))


def amount_out(amount_in: int, reserve_in: int, reserve_out: int, fee_bps: int) -> int | None:
    """Base units bought: floor(reserve_out * net / (reserve_in + net)). None: past the u64 the program counts in."""
    net = amount_in - fee_on(amount_in, fee_bps)
    if reserve_in + amount_in > U64_MAX:
        return None
    return reserve_out * net // (reserve_in + net) if net else 0


def amount_in(amount_out: int, reserve_in: int, reserve_out: int, fee_bps: int) -> int | None:
    """The least base units that buy ``amount_out``, which is positive; None where the pool can't give that much, or
    counts no further.
    """
    if amount_out >= reserve_out or not reserve_in:
        return None
    net = -(-reserve_in * amount_out // (reserve_out - amount_out))
    paid = -(-net * BPS // (BPS - fee_bps))
    return paid if reserve_in + paid <= U64_MAX else None


def marginal_rate(reserve_in: int, reserve_out: int, fee_bps: int) -> Fraction:
    """Base units out for the next base unit in, after the fee: what an infinitely small swap gets."""
    return Fraction(reserve_out * (BPS - fee_bps), reserve_in * BPS)


def swap_instruction(pool: Pool, *, owner: str, token_in: str, amount_in: int, minimum_out: int) -> Instruction:
    """Swap ``amount_in`` of ``token_in`` between the associated token accounts of ``owner``, who signs.

    Fails on chain with ``ProgramError.SLIPPAGE_EXCEEDED`` where it would give less than ``minimum_out``.
    """
    data = _SWAP_DATA.pack(_SWAP, amount_in, minimum_out)
    return Instruction(_key(pool.program), data, _swap_accounts(pool, owner, token_in))


def exact_out_instruction(pool: Pool, *, owner: str, token_in: str, maximum_in: int, amount_out: int) -> Instruction:
    """Swap whatever of ``token_in`` buys exactly ``amount_out``, as ``swap_instruction`` does.

    Fails on chain with ``ProgramError.SLIPPAGE_EXCEEDED`` where that is more than ``maximum_in``.
    """
    data = _SWAP_DATA.pack(_SWAP_EXACT_OUT, maximum_in, amount_out)
    return Instruction(_key(pool.program), data, _swap_accounts(pool, owner, token_in))


def read_swap(data: bytes) -> SwapTerms | None:
    """The terms in the data of a swap instruction, None where it is none: what ``swap_instruction`` and
    ``exact_out_instruction`` write. The latter pays out just its ``minimum_out``, for ``amount_in`` at most.
    """
    if len(data) != _SWAP_DATA.size or data[0] not in (_SWAP, _SWAP_EXACT_OUT):
        return None
    kind, most_in, least_out = _SWAP_DATA.unpack(data)
    return SwapTerms(
        owner=2,
        source=3,
        destination=6,
        amount_in=most_in,
        minimum_out=least_out,
        exact_out=kind == _SWAP_EXACT_OUT,
    )


def with_minimum(data: bytes, minimum_out: int) -> bytes | None:
    """The data of a swap instruction with another least amount out; None where it is none."""
    terms = read_swap(data)
    return _SWAP_DATA.pack(data[0], terms.amount_in, minimum_out) if terms else None


def with_maximum(data: bytes, maximum_in: int) -> bytes | None:
    """The data of a swap to an exact amount out with another most amount in; None where it is none."""
    terms = read_swap(data)
    return _SWAP_DATA.pack(data[0], maximum_in, terms.minimum_out) if terms and terms.exact_out else None


@lru_cache(
    maxsize=1_024
)  # the same for every swap of a pool in one direction; two of the addresses are long to compute
def _swap_accounts(pool: Pool, owner: str, token_in: str) -> tuple[AccountMeta, ...]:
    user, token_out = _key(owner), pool.mints[1] if token_in == pool.mints[0] else pool.mints[0]
    vault_in, vault_out = pool.vaults_for(token_in)
    return (
        AccountMeta(_key(pool.address), is_signer=False, is_writable=True),
        AccountMeta(_key(pool.authority), is_signer=False, is_writable=False),
        AccountMeta(user, is_signer=True, is_writable=False),
        AccountMeta(get_associated_token_address(user, _key(token_in)), is_signer=False, is_writable=True),
        AccountMeta(_key(vault_in), is_signer=False, is_writable=True),
        AccountMeta(_key(vault_out), is_signer=False, is_writable=True),
        AccountMeta(get_associated_token_address(user, _key(token_out)), is_signer=False, is_writable=True),
        AccountMeta(TOKEN_PROGRAM, is_signer=False, is_writable=False),
    )


def _key(address: str) -> Pubkey:
    return Pubkey.from_string(address)
