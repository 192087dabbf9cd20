"""Route: every venue is asked for every order's size; the domain chooses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

import structlog

from commands.orders import History, Orders
from domain.codes import Code
from domain.commands import OrderCommand, RecordQuotes
from domain.order import Order
from domain.quotes import Quote, Refusal
from venues.protocol import QuoteRequest, Venue
from workers.stage import StageRunner
from workers.work import WorkTable

log = structlog.get_logger(__name__)

VENUE_PATIENCE_S = 5


class Route(StageRunner):
    stage = "route"

    def __init__(self, orders: Orders, work: WorkTable, clock: Callable[[], datetime], venues: Sequence[Venue]) -> None:
        super().__init__(orders, work, clock)
        self._venues = venues

    def applies(self, order: Order) -> bool:
        return order.status == "routing" and order.live_attempt is None

    async def work_on(self, histories: Sequence[History]) -> None:
        asked = [(one, one.order) for one in histories if one.order]
        requests = [QuoteRequest(o.token_in.mint, o.token_out.mint, o.amount_in) for _, o in asked]
        by_venue = await asyncio.gather(*(self._ask(venue, requests) for venue in self._venues))
        await self.each(
            [(history, self._command([answers[n] for answers in by_venue])) for n, (history, _) in enumerate(asked)]
        )

    async def _ask(self, venue: Venue, requests: Sequence[QuoteRequest]) -> Sequence[Quote | Refusal]:
        """The venue's answers; one that doesn't answer refuses them all, and the others go on."""
        try:
            async with asyncio.timeout(VENUE_PATIENCE_S):
                return await venue.quote(requests)
        except Exception as error:  # noqa: BLE001 - whatever a venue does, it is that venue's refusal
            log.warning("venue unavailable", venue=venue.name, error=type(error).__name__, reason=str(error))
            refusal = Refusal(
                venue=venue.name, code=Code.VENUE_UNAVAILABLE, detail=f"no answer: {type(error).__name__}"
            )
            return [refusal] * len(requests)

    async def _command(self, answers: Sequence[Quote | Refusal]) -> OrderCommand:
        quotes = tuple(answer for answer in answers if isinstance(answer, Quote))
        refusals = tuple(answer for answer in answers if isinstance(answer, Refusal))
        return RecordQuotes(quotes, refusals, self._clock())
