"""GET /api/venues: who is asked for quotes, who isn't and why, and how often each may be asked."""

from __future__ import annotations

from datetime import UTC, datetime

from litestar import Controller, get
from pydantic import Field

from api.callers.rules import READ
from api.openapi import DocumentedOperation, problems
from api.services import InjectedServices
from commands.ids import DEFAULT_ACCOUNT
from projections.order_view import IfKnown, Instant, View
from venues.report import VenueReport, VenueStanding, as_restricted


class RequestBudget(View):
    """The requests of a service, of all processes together: ``left`` of ``most`` in any ``windowSeconds``."""

    left: IfKnown[int] = None
    most: int
    window_seconds: int


class VenueView(View):
    """``standing`` is ``asked``, ``left_alone`` (until ``leftAloneUntil``, for ``reason``), ``trying`` (one request
    shall show whether it is back; after a minute without another failure it is ``asked`` again), ``unknown`` (nobody
    can tell now), or what an operator has set, for ``reason``: ``halted``, or ``reducing`` (it takes sells alone). A
    venue over pools has no ``service``.
    """

    venue: str = Field(examples=["Raydium"])
    service: IfKnown[str] = None
    standing: VenueStanding
    reason: IfKnown[str] = None
    left_alone_until: IfKnown[Instant] = None
    requests: IfKnown[RequestBudget] = None


class VenueList(View):
    """All of them: ``next`` is always null."""

    items: list[VenueView]
    next: str | None = None


class VenuesController(Controller):
    tags = ("network",)
    opt = READ

    @get(
        "/api/venues",
        operation_class=DocumentedOperation,
        operation_id="listVenues",
        summary="Venues, and whether they are asked",
        response_description="Each venue as it stands now.",
        responses=problems(),
    )
    async def list_venues(self, services: InjectedServices) -> VenueList:
        # What is set of a venue holds for every account: whose trading is read for it is all the same.
        trading = await services.trading(DEFAULT_ACCOUNT)
        reports = await services.venue_reports()
        return VenueList(items=[_shown(as_restricted(report, trading.engine.venues)) for report in reports])


def _shown(report: VenueReport) -> VenueView:
    until = report.left_alone_until
    return VenueView(
        venue=report.venue,
        service=report.service,
        standing=report.standing,
        reason=report.reason,
        left_alone_until=datetime.fromtimestamp(until, UTC) if until is not None else None,
        requests=RequestBudget(left=report.left, most=report.most, window_seconds=int(report.window))
        if report.most is not None and report.window is not None
        else None,
    )
