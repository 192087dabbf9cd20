"""The API as one ASGI application. Everything it works with is an argument; it opens nothing but its live feed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

import structlog
from litestar import Litestar, get
from litestar.di import Provide
from litestar.middleware import DefineMiddleware
from litestar.plugins.pydantic import PydanticPlugin
from litestar.response import Redirect

from api.account import AccountController
from api.admin.accounts import AdminController
from api.admin.limits import LimitsController
from api.admin.trading import TradingController
from api.allowed_methods import name_all_methods
from api.callers.authentication import Authentication, Authenticator
from api.callers.caller import caller_of
from api.callers.rules import OPEN, require_rules
from api.chain import KnownChain
from api.comparison_patience import IsCompared
from api.config import ApiConfig
from api.deadman import DeadmanController
from api.docs.page import openapi_config
from api.handshakes import keep_reason
from api.health import HealthController, health
from api.network import NetworkController
from api.order_lists.controller import OrderListsController
from api.order_lists.twap_pause import TwapPauseController
from api.order_lists.twap_stream import TwapStreamController
from api.orders.batch import BatchController
from api.orders.cancel import CancelController
from api.orders.collection import OrderCollectionController
from api.orders.preview import PreviewController
from api.orders.read import OrdersController
from api.orders.submit import SubmitController
from api.pairs import PairsController
from api.plain_request import require_plain_request
from api.prices import Ticker
from api.problems import PLUGIN as PROBLEM_DETAILS
from api.rates import Rates
from api.resting import WaitingCounts
from api.services import Check, RecordAmendment, RequestCancel, Services, SetTrading
from api.streams import StreamsController
from api.venues import VenuesController
from commands.amended_reservations import AmendedReservations
from commands.deadman import DeadmanSwitches
from commands.directory.commands import DirectoryCommands
from commands.known_accounts import KnownAccounts
from commands.orders import OrderRepository
from commands.reservations import Reservations
from commands.twap.lists import TwapLists
from domain.epochs import Epochs
from domain.log_behind import ForeignTransactionFound
from domain.trading_state import AccountTrading
from event_store.mapper import EventMapper
from event_store.read.log import Log
from projections.accounts import wallet_of
from projections.dead_letters import dead_letter_of
from projections.guard_rents import returned_rents
from projections.live import LiveFeed
from projections.orders.queries import OrderList, Pool
from projections.orders.resting_orders import RestingOrders
from projections.stream_changes import StreamChanges
from projections.uncertainty import uncertainty_of
from venues.prices import PriceSource
from venues.protocol import VenueGroup
from venues.report import VenueReports

log = structlog.get_logger(__name__)

FEED_AGAIN_S = 0.5


def _now() -> datetime:
    return datetime.now(UTC)


@get("/", include_in_schema=False, opt=OPEN)
async def front_door() -> Redirect:
    """Who opens the engine in a browser gets its documentation."""
    return Redirect("/docs")


def create_app(
    config: ApiConfig,
    *,
    orders: OrderRepository,
    events: Log,
    mapper: EventMapper,
    pool: Pool,
    live: LiveFeed,
    prices: PriceSource,
    slot_age: Callable[[int], Awaitable[int]],
    chain: Callable[[], KnownChain],
    venues: Sequence[VenueGroup],
    venue_reports: VenueReports,
    trading: Callable[[UUID], Awaitable[AccountTrading]],
    epochs: Callable[[], Awaitable[Epochs]],
    executed_elsewhere: Callable[[UUID, UUID], Awaitable[ForeignTransactionFound | None]],
    accounts: KnownAccounts,
    directory: DirectoryCommands,
    set_trading: SetTrading,
    request_cancel: RequestCancel,
    compared: IsCompared,
    record_amendment: RecordAmendment,
    deadman: DeadmanSwitches,
    twaps: TwapLists,
    stream_changes: StreamChanges,
    rates: Rates,
    guard_rent: Callable[[], Awaitable[int]],
    authenticator: Authenticator,
    checks: Sequence[Check] = (),
    hurry: Callable[[], None] = lambda: None,
    clock: Callable[[], datetime] = _now,
) -> Litestar:
    """``pool`` is open already and outlives the application; ``live`` runs as long as the application does.

    ``venue_reports`` says how the venues stand, ``slot_age`` how many seconds ago the slot of a price was, ``chain``
    what is known of the chain by now; ``hurry`` tells the projector that somebody waits; ``trading`` and ``epochs`` say
    how an account trades and which epochs the log has had, ``executed_elsewhere`` by which transaction an account's
    order was executed that the log doesn't have; ``authenticator`` says who asks.
    """
    services = Services(
        config=config,
        orders=orders,
        events=events,
        mapper=mapper,
        order_list=OrderList(pool, hurry),
        resting=WaitingCounts(RestingOrders(pool)),
        ticker=Ticker(prices, slot_age),
        live=live,
        checks=checks,
        chain=chain,
        venues=venues,
        venue_reports=venue_reports,
        clock=clock,
        wallet=partial(wallet_of, pool),
        accounts=accounts,
        directory=directory,
        set_trading=set_trading,
        request_cancel=request_cancel,
        compared=compared,
        record_amendment=record_amendment,
        deadman=deadman,
        twaps=twaps,
        stream_changes=stream_changes,
        reservations=Reservations(pool),
        amended_reservations=AmendedReservations(pool),
        rates=rates,
        guard_rent=guard_rent,
        uncertainty=partial(uncertainty_of, pool),
        returned_rents=partial(returned_rents, pool),
        dead_letter=partial(dead_letter_of, pool),
        trading=trading,
        epochs=epochs,
        executed_elsewhere=executed_elsewhere,
    )

    @contextlib.asynccontextmanager
    async def feeding(_: Litestar) -> AsyncIterator[None]:
        feed = asyncio.create_task(_feed(live), name="live-feed")
        try:
            yield
        finally:
            feed.cancel()
            await asyncio.gather(feed, return_exceptions=True)

    app = Litestar(
        route_handlers=[
            SubmitController,
            BatchController,
            OrderCollectionController,
            OrdersController,
            CancelController,
            PreviewController,
            OrderListsController,
            TwapPauseController,
            TwapStreamController,
            NetworkController,
            VenuesController,
            PairsController,
            HealthController,
            StreamsController,
            AccountController,
            DeadmanController,
            AdminController,
            TradingController,
            LimitsController,
            front_door,
            health,
        ],
        dependencies={
            "services": Provide(lambda: services, sync_to_thread=False),
            "caller": Provide(caller_of, sync_to_thread=False),
        },
        middleware=[DefineMiddleware(Authentication, authenticator=authenticator)],
        before_request=require_plain_request,
        before_send=[name_all_methods],
        after_exception=[keep_reason],
        lifespan=[feeding],
        plugins=[PydanticPlugin(prefer_alias=True), PROBLEM_DETAILS],
        logging_config=None,
        openapi_config=openapi_config(),
    )
    require_rules(app)
    return app


async def _feed(live: LiveFeed) -> None:
    """Run ``live``, again where it ends: its sockets were told to come back, and read their streams whole then."""
    while True:
        try:
            await live.run()
        except Exception as error:
            log.critical("the live feed ended; it begins anew", exc_info=error)
            await asyncio.sleep(FEED_AGAIN_S)
