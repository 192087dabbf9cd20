"""Jupiter, and by its ``dexes`` Meteora and Orca, as venues: quotes with their instructions, ours checked and signed.

``/order`` with ``/execute`` isn't used: somebody else may pay the fee there, sign second and land it
(docs/adr/0017-jupiter-by-build.md).
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic

from solders.instruction import Instruction

from domain.codes import Code
from domain.quotes import Quote, Refusal
from domain.tokens import Token
from venues.errors import VenueError
from venues.jupiter.client import Build, BuildRequest, build
from venues.jupiter.labels import LABELS, NAMES
from venues.programs import with_minimum
from venues.protocol import Fits, Proposal, QuoteRequest, VenueGroup, VenueQuote
from venues.remote.breaker import CircuitBreaker
from venues.remote.needed_accounts import NeededAccounts
from venues.remote.recorded_quote import recorded_quote
from venues.remote.service import Service
from venues.remote.unbuildable import Unbuildable
from venues.remote.unit_price import unit_price

QUOTE_AGE_S = 10.0
"""A quote is taken with the instructions that came with it for so long; then it is asked for again."""
FEWER_ACCOUNTS = (40, 30, 24, 18, 12)
"""How many accounts a route may have, where one of as many as Jupiter likes doesn't fit beside guard and memo."""
# A quote alone needs a taker, too; it signs nothing.
_NOBODY = "11111111111111111111111111111111"


@dataclass(frozen=True, slots=True)
class _Answered:
    """What came with a quote; ``at`` is when, by the monotonic clock."""

    built: Build
    owner: str
    at: float


class Jupiter(VenueGroup):
    """``words`` are of VENUES: which of Jupiter's venues are asked; ``tokens`` are what is traded here."""

    is_remote = True

    def __init__(
        self, service: Service, accounts: NeededAccounts, *, words: Sequence[str], tokens: Sequence[Token]
    ) -> None:
        self.service = service
        self._accounts = accounts
        self._unbuildable = Unbuildable()
        self._labels = {NAMES[word]: LABELS[word] for word in words}
        self._pairs = frozenset(
            frozenset((first.mint, second.mint)) for first, second in itertools.combinations(tokens, 2)
        )
        self.breakers = {name: CircuitBreaker(name) for name in self._labels}

    @property
    def service_name(self) -> str:
        return self.service.name

    @property
    def venues(self) -> Mapping[str, frozenset[frozenset[str]]]:
        """Whether there is a route for a pair shows when it is asked for."""
        return dict.fromkeys(self._labels, self._pairs)

    async def quote_all(self, requests: Sequence[QuoteRequest]) -> list[list[VenueQuote | Refusal]]:
        """One call for each request and venue, side by side."""
        asked = [[self._quote(venue, request) for venue in self._labels] for request in requests]
        return [list(await asyncio.gather(*each)) for each in asked]

    async def _quote(self, venue: str, request: QuoteRequest) -> VenueQuote | Refusal:
        owner = request.owner or _NOBODY
        try:
            self.breakers[venue].require()
            self._unbuildable.require(venue, request.token_in, request.token_out)
            built = await self._build(venue, request.token_in, request.token_out, request.amount_in, owner)
        except VenueError as failed:
            return Refusal(venue=venue, code=failed.code, detail=failed.detail)
        if not built.out_amount:
            return Refusal(venue=venue, code=Code.AMOUNT_TOO_SMALL, detail=f"{venue} gives nothing for this amount")
        return VenueQuote(_quote_of(venue, built, self.service.struck), _Answered(built, owner, monotonic()))

    async def swap(self, quote: VenueQuote, *, owner: str, minimum_out: int, fits: Fits) -> Proposal:
        """Asked again where the quote's own instructions are too old, for another wallet, or don't fit."""
        offer, held = quote.quote, quote.swap_data
        if isinstance(held, _Answered) and held.owner == owner and monotonic() - held.at < QUOTE_AGE_S:
            built = held.built
        else:
            built = await self._build(offer.venue, offer.token_in, offer.token_out, offer.amount_in, owner)
        for fewer in (*FEWER_ACCOUNTS, None):
            if built.out_amount < minimum_out:
                raise VenueError(Code.SLIPPAGE_EXCEEDED, f"{offer.venue} offers {built.out_amount} now")
            proposal = await self._proposal(offer.venue, built, owner, minimum_out)
            if await fits(proposal):
                break
            if fewer is None:
                raise self._unbuildable.note(offer.venue, offer.token_in, offer.token_out)
            built = await self._build(offer.venue, offer.token_in, offer.token_out, offer.amount_in, owner, fewer)
        self.breakers[offer.venue].succeeded()
        return proposal

    def distrust(self, venue: str, reason: str) -> None:
        self.breakers[venue].distrust(reason)

    async def _build(
        self, venue: str, token_in: str, token_out: str, amount_in: int, owner: str, max_accounts: int | None = None
    ) -> Build:
        labels = self._labels[venue]
        return await build(self.service, BuildRequest(token_in, token_out, amount_in, owner, labels, max_accounts))

    async def _proposal(self, venue: str, built: Build, owner: str, minimum_out: int) -> Proposal:
        """All that is proposed but the price of compute, which is ours to offer: what doesn't belong is refused."""
        after = [one for one in (built.cleanup_instruction, *built.other_instructions, built.tip_instruction) if one]
        try:
            setup = [one.read() for one in built.setup_instructions]
            swap = with_minimum(built.swap_instruction.read(), minimum_out)
            rest = [one.read() for one in after]
            price = unit_price([one.read() for one in built.compute_budget_instructions])
        except ValueError:
            # Its quotes are answers that can be used, and count for the service: so it is the venue that fails.
            self.breakers[venue].failed("its instructions can't be read")
            raise self.service.unusable("its instructions can't be read") from None
        needed: list[Instruction] = await self._accounts.needed(setup, owner)
        tables = tuple(built.addresses_by_lookup_table_address or ())
        return Proposal([*needed, swap, *rest], tables, price)


def _quote_of(venue: str, built: Build, struck: Callable[[str], str]) -> Quote:
    return recorded_quote(
        venue,
        (struck(step.swap_info.amm_key) for step in built.route_plan),
        token_in=built.input_mint,
        token_out=built.output_mint,
        amount_in=built.in_amount,
        amount_out=built.out_amount,
    )
