"""The one protocol of venues: which there are, what they offer for an exact amount in or out, how an offer is taken.

To add a venue:

1. write a module here with a class that has the members of ``VenueGroup``; ``pools.PoolBook`` is one over
   accounts of the chain, one over HTTP takes its client as an argument;
2. give it a word in VENUES (``runtime.venue_settings``) and its names in ``runtime.venue_names``, and open it in
   ``runtime.remote_venues``;
3. name its programs, who reads their instructions, and what their error numbers mean, in ``venues.programs``: what
   isn't read is never signed.

The router asks every group, the builder finds the group by the venue of the chosen quote: neither is touched.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from solders.instruction import Instruction

from domain.quotes import Quote, Refusal


@dataclass(frozen=True, slots=True)
class QuoteRequest:
    """An exact amount in, or out where there is an ``amount_out``: mints in base58, amounts in base units; ``owner`` is
    the wallet that would swap, where it is known.
    """

    token_in: str
    token_out: str
    amount_in: int
    owner: str | None = None
    amount_out: int | None = None


@dataclass(frozen=True, slots=True)
class VenueQuote:
    """A quote as its venue gave it: ``quote`` is recorded, ``swap_data`` is the venue's own and never is.

    ``swap_data`` spares a remote venue a second question when the quote is taken. It is None where the quote was read
    back from the log, perhaps by another process: then the venue asks again, or needs no more than the record.
    """

    quote: Quote
    swap_data: object = field(default=None, repr=False)


class Proposal(NamedTuple):
    """What a venue would have signed: ``instructions``, and the address lookup tables that make them fit.

    ``unit_price`` is what it would offer for a compute unit, in micro-lamports: a hint, within what an order may offer.
    """

    instructions: Sequence[Instruction]
    lookup_tables: Sequence[str] = ()
    unit_price: int = 0


Fits = Callable[[Proposal], Awaitable[bool]]
"""Whether a transaction with this proposal, the order's guard and its memo, fits into a packet."""


class VenueGroup(Protocol):
    """One or more venues that are asked together, in one read of the world.

    A venue's own failure is a ``Refusal``; what a reader of the chain raises passes through.
    """

    @property
    def venues(self) -> Mapping[str, frozenset[frozenset[str]]]:
        """Each venue's name, as quotes carry it, with the pairs of mints that it trades, as far as is known now.

        No name is in two groups.
        """

    @property
    def is_remote(self) -> bool:
        """Whether asking takes a call to somebody else's server: such a group may be slow, and nobody waits for it."""

    @property
    def service_name(self) -> str | None:
        """Whose server is asked, of a remote group."""
        return None

    @property
    def quotes_exact_out(self) -> bool:
        """Whether it can be asked for an exact amount out; one that can't is never asked for it."""
        return False

    async def quote_all(self, requests: Sequence[QuoteRequest]) -> list[list[VenueQuote | Refusal]]:
        """For each request, in order, the answer of every venue, in the venues' order."""

    async def swap(self, quote: VenueQuote, *, owner: str, minimum_out: int, fits: Fits) -> Proposal:
        """What takes ``quote`` from and to the associated token accounts of ``owner``.

        The chain refuses the swap where it would give less than ``minimum_out`` base units. A venue that knows smaller
        routes takes one that ``fits``. Raises ``LookupError`` where the quote names what the group doesn't know,
        ``VenueError`` where the venue doesn't answer or can't.
        """

    async def swap_exact_out(
        self, quote: VenueQuote, *, owner: str, maximum_in: int, amount_out: int, fits: Fits
    ) -> Proposal:
        """As ``swap``, for exactly ``amount_out`` base units: the chain refuses to take more than ``maximum_in``. For
        groups that ``quotes_exact_out``. Raises as ``swap`` does.
        """
        raise LookupError(quote.quote.venue)

    def distrust(self, venue: str, reason: str) -> None:
        """Hear that what ``venue`` proposed was not signed: one that can be left alone for a while is."""
        return
