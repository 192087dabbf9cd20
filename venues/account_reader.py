"""What venues over pools ask of a chain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class AccountsAnswer(Protocol):
    """Account data in the order asked, None where there is no account, as of one ``slot``."""

    @property
    def slot(self) -> int: ...

    @property
    def data(self) -> tuple[bytes | None, ...]: ...


class AccountReader(Protocol):
    """Reads accounts of a chain at ``confirmed``; addresses are base58."""

    async def accounts(self, addresses: Sequence[str]) -> AccountsAnswer:
        """Any number of accounts; split into calls of 100, and then the oldest slot of them."""

    async def program_accounts(self, program: str) -> list[tuple[str, bytes]]:
        """Address and data of every account ``program`` owns."""
