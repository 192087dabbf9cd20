"""An order's guard: the account that each of its transactions makes first, so that the chain lets one of them succeed.

Rent is paid in, the account allocated at an address that only the wallet can allocate, and given to the token program
under an authority that signs no swap. A second transaction fails at the allocation, whoever sent it. Lamports that a
stranger pays into the address hinder nothing, and nothing in a swap's transaction can close the account.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import ID as SYSTEM
from solders.system_program import AllocateWithSeedParams, TransferParams, allocate_with_seed, transfer
from solders.token import ID as TOKEN

from domain.tokens import USDC

GUARD_BYTES = 165
"""The size of a token account, which a guard is."""

SYSTEM_PROGRAM = str(SYSTEM)
TOKEN_PROGRAM = str(TOKEN)

MINT = Pubkey.from_string(USDC.mint)
"""The mint of guards. Any will do but SOL's, whose accounts count lamports as an amount."""

_INITIALIZE_ACCOUNT_3 = b"\x12"
_SEED_LENGTH = 32
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Guard:
    """A guard of ``wallet``: its address, the seed the address is made from, and who may close it (base58)."""

    address: str
    seed: str
    wallet: str
    authority: str

    def instructions(self, rent: int) -> list[Instruction]:
        """What makes the guard, ``rent`` lamports paid in; it fails where the guard was made before."""
        return list(_instructions(self, rent))


@lru_cache(maxsize=1_024)  # composed and then compared with what is to be signed, and the same for each attempt
def _instructions(guard: Guard, rent: int) -> tuple[Instruction, ...]:
    address, wallet = Pubkey.from_string(guard.address), Pubkey.from_string(guard.wallet)
    return (
        transfer(TransferParams(from_pubkey=wallet, to_pubkey=address, lamports=rent)),
        allocate_with_seed(
            AllocateWithSeedParams(address=address, base=wallet, seed=guard.seed, space=GUARD_BYTES, owner=TOKEN)
        ),
        Instruction(
            TOKEN,
            _INITIALIZE_ACCOUNT_3 + bytes(Pubkey.from_string(guard.authority)),
            [AccountMeta(address, False, True), AccountMeta(MINT, False, False)],
        ),
    )


class GuardKey:
    """The secret that guards' addresses are made from: with it nobody foresees them, and after a restore they are the
    same. Nothing shows it.
    """

    __slots__ = ("__secret", "authority")

    def __init__(self, secret: bytes) -> None:
        if len(secret) != _KEY_BYTES:
            raise ValueError(f"a guard key has {_KEY_BYTES} bytes")
        self.__secret = secret
        # It signs what closes guards, and no swap.
        self.authority = str(Keypair.from_seed(self._derived(b"authority")).pubkey())

    def of_order(self, wallet: str, name: UUID) -> Guard:
        """The guard of an order, the same for each of its attempts; ``name`` is what ``guard_name`` gives: its id, or
        that of the list whose orders share it.
        """
        return self._guard(wallet, name.bytes)

    def canary(self, wallet: str) -> Guard:
        """The guard that is never closed: it shows at each start that this is the key the chain knows."""
        return self._guard(wallet, b"canary")

    def sign_checked(self, message: MessageV0) -> Signature:
        """The authority's signature under a reclaim that its check has passed (``Wallet.sign_reclaim``)."""
        return Keypair.from_seed(self._derived(b"authority")).sign_message(to_bytes_versioned(message))

    def _guard(self, wallet: str, name: bytes) -> Guard:
        seed = self._derived(name).hex()[:_SEED_LENGTH]
        address = Pubkey.create_with_seed(Pubkey.from_string(wallet), seed, TOKEN)
        return Guard(address=str(address), seed=seed, wallet=wallet, authority=self.authority)

    def _derived(self, name: bytes) -> bytes:
        return hmac.digest(self.__secret, name, "sha256")

    def __repr__(self) -> str:
        return f"GuardKey(authority={self.authority})"

    def __reduce__(self) -> str:
        raise TypeError("a guard key is not serialized")
