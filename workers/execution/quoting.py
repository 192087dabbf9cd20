"""Ask the venues: each group once for an order's size, all side by side, none for longer than its patience."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from chains.errors import ChainUnavailableError
from domain.codes import Code
from domain.limits import NO_LIMITS, Limits
from domain.order import Order
from domain.quotes import Quote, Refusal
from venues.exact_out import exact_out_refusals
from venues.permitted import permitted
from venues.plausible import plausible, services_of
from venues.protocol import QuoteRequest, VenueGroup, VenueQuote

log = structlog.get_logger(__name__)

PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class Answers:
    """What every venue answered for one order. ``offers`` keeps with each quote what its venue needs to take it."""

    offers: tuple[VenueQuote, ...]
    refusals: tuple[Refusal, ...]

    @property
    def quotes(self) -> tuple[Quote, ...]:
        return tuple(offer.quote for offer in self.offers)

    def offer(self, chosen: Quote) -> VenueQuote:
        """The offer that ``chosen`` was recorded of; one read back from the log has its record alone."""
        # The very same one in most cases: to compare two quotes costs more than to make one.
        same = (offer for offer in self.offers if offer.quote is chosen or offer.quote == chosen)
        return next(same, VenueQuote(chosen))


class Quoting:
    """``venues`` are asked together, for the wallet ``owner``; each group is waited for ``patience`` seconds.

    ``limits`` are those of the account whose orders they are.
    """

    def __init__(
        self,
        venues: Sequence[VenueGroup],
        *,
        owner: str | None = None,
        patience: float = PATIENCE_S,
        limits: Callable[[], Limits] = lambda: NO_LIMITS,
    ) -> None:
        self._venues = venues
        self._owner = owner
        self._services = services_of(venues)
        self._limits = limits
        self._patience = patience

    async def ask(self, order: Order, refused: frozenset[str] = frozenset()) -> Answers:
        """Every venue's answer. A group that fails, or doesn't answer in time, refuses; this never raises for it.

        What the venues ``refused`` offer, named in lower case, is recorded as their refusal: an operator halted them.
        """
        request = QuoteRequest(
            order.token_in.mint, order.token_out.mint, order.amount_in, self._owner, order.amount_out
        )
        if len(self._venues) == 1:
            groups = [await self._ask(self._venues[0], request)]
        else:
            groups = await asyncio.gather(*(self._ask(group, request) for group in self._venues))
        answers = [answer for group in groups for answer in group]
        if self._services:
            answers = plausible(answers, self._services)
        limits = self._limits()
        if refused or limits.venues is not None:
            answers = [permitted(answer, refused, limits) for answer in answers]
        return Answers(
            tuple(answer for answer in answers if isinstance(answer, VenueQuote)),
            tuple(answer for answer in answers if isinstance(answer, Refusal)),
        )

    async def _ask(self, group: VenueGroup, request: QuoteRequest) -> Sequence[VenueQuote | Refusal]:
        if refusals := exact_out_refusals(group, request):
            return refusals
        try:
            async with asyncio.timeout(self._patience):
                [answers] = await group.quote_all([request])
                return answers
        except Exception as error:  # noqa: BLE001 - whatever a venue does, it is that venue's refusal
            kind = type(error).__name__
            # Where the chain can't be read no venue was asked anything: that is no try of an order that has only one.
            unread = isinstance(error, ChainUnavailableError)
            code = Code.CHAIN_UNAVAILABLE if unread else Code.VENUE_UNAVAILABLE
            log.warning("venues unavailable", venues=list(group.venues), error=kind, reason=str(error)[:200])
            return [Refusal(venue=venue, code=code, detail=f"no answer: {kind}") for venue in group.venues]
