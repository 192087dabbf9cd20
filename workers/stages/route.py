"""Route: every venue is asked for every order's size; the domain chooses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

import structlog

from commands.loaded_order import LoadedOrder
from commands.orders import OrderRepository
from domain.codes import Code
from domain.commands import OrderCommand, RecordQuotes
from domain.order import Order
from domain.quotes import Refusal
from venues.protocol import QuoteRequest, VenueGroup, VenueQuote
from workers.dispatch.work import WorkTable
from workers.stages.stage import StageRunner

log = structlog.get_logger(__name__)

PATIENCE_S = 5


class Route(StageRunner):
    stage = "route"

    def __init__(
        self, orders: OrderRepository, work: WorkTable, clock: Callable[[], datetime], venues: Sequence[VenueGroup]
    ) -> None:
        super().__init__(orders, work, clock)
        self._venues = venues

    def applies(self, order: Order) -> bool:
        return order.status == "routing" and order.live_attempt is None

    async def work_on(self, histories: Sequence[LoadedOrder]) -> None:
        asked = [(one, one.order) for one in histories if one.order]
        requests = [QuoteRequest(o.token_in.mint, o.token_out.mint, o.amount_in) for _, o in asked]
        by_group = await asyncio.gather(*(self._ask(group, requests) for group in self._venues))
        answers = [[answer for group in by_group for answer in group[n]] for n in range(len(asked))]
        await self.each([(history, self._command(found)) for (history, _), found in zip(asked, answers, strict=True)])

    async def _ask(self, group: VenueGroup, requests: Sequence[QuoteRequest]) -> list[list[VenueQuote | Refusal]]:
        """The group's answers; one that doesn't answer refuses them all, and the others go on."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await group.quote_all(requests)
        except Exception as error:  # noqa: BLE001 - whatever a venue does, it is that venue's refusal
            kind = type(error).__name__
            log.warning("venues unavailable", venues=list(group.venues), error=kind, reason=str(error)[:200])
            refusals: list[VenueQuote | Refusal] = [
                Refusal(venue=venue, code=Code.VENUE_UNAVAILABLE, detail=f"no answer: {kind}") for venue in group.venues
            ]
            return [refusals] * len(requests)

    async def _command(self, answers: Sequence[VenueQuote | Refusal]) -> OrderCommand:
        quotes = tuple(answer.quote for answer in answers if isinstance(answer, VenueQuote))
        refusals = tuple(answer for answer in answers if isinstance(answer, Refusal))
        return RecordQuotes(quotes, refusals, self._clock())
