"""Who signs for the wallet: a key in this process (``chains.wallet``), or somebody else's server that never shows it
(``chains.http_signer``).
"""

from __future__ import annotations

from typing import Protocol

from solders.message import MessageV0
from solders.transaction import VersionedTransaction

from chains.guard import GuardKey


class Signer(Protocol):
    """Signs what was checked, and sends nothing."""

    @property
    def address(self) -> str: ...

    async def signed(self, message: MessageV0) -> VersionedTransaction:
        """``message`` with the wallet's signature, the only one that it asks for. Raises TransactionRefusedError,
        ``SignerError`` where nobody signed (``SignerRefusedError``: by rules); somebody may have, who will not say:
        nothing of it is sent.
        """

    async def signed_reclaim(self, message: MessageV0, guard_key: GuardKey) -> VersionedTransaction:
        """A reclaim with the wallet's signature and the guard authority's, checked before either is made."""

    def guard_key(self) -> GuardKey | None:
        """The guard key that follows from the wallet's own key, where that is known here."""

    async def close(self) -> None:
        """Give back what it holds of connections: it signs nothing any more."""
