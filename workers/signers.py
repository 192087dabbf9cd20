"""What the transactions of an account are signed with: a wallet of its own, and the guard key that goes with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from chains.guard import GuardKey
from chains.signer import Signer


@dataclass(frozen=True, slots=True)
class AccountSigner:
    wallet: Signer
    guard_key: GuardKey


SignerOf = Callable[[UUID], AccountSigner | None]
"""The signer of an account; None where its wallet isn't known here, or can't be read."""
