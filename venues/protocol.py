"""What a venue is: it holds pairs, quotes an exact amount in, and says which instructions swap it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from solders.instruction import Instruction

from domain.quotes import Quote, Refusal


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


@dataclass(frozen=True, slots=True)
class QuoteRequest:
    """An exact amount in: mints in base58, ``amount_in`` in base units."""

    token_in: str
    token_out: str
    amount_in: int


class Venue(Protocol):
    """A place to swap. A venue's own failure is a ``Refusal``; what a reader of the chain raises passes through."""

    @property
    def name(self) -> str: ...

    def holds(self, token_in: str, token_out: str) -> bool:
        """Whether the venue trades this pair, as far as it knows now."""

    async def quote(self, requests: Sequence[QuoteRequest]) -> list[Quote | Refusal]:
        """One answer a request, in order; one read of the chain for the whole batch."""

    def swap(self, quote: Quote, *, owner: str, minimum_out: int) -> list[Instruction]:
        """The instructions that take ``quote`` from and to the associated token accounts of ``owner``.

        The chain refuses the swap where it would give less than ``minimum_out``.
        """
