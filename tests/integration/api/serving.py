"""The API as it runs: uvicorn on a real port over a real log, with a projector beside it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import httpx2
from litestar import Litestar
from psycopg_pool import AsyncConnectionPool

from api.app import create_app
from api.callers.authentication import Authenticator
from api.callers.caller import KEYLESS, Caller
from api.chain import KnownChain
from api.config import ApiConfig
from api.rates import Rates
from api.server import LIMITS, serve
from api.services import Check
from api.serving.access import STRICT, Access
from api.serving.concurrency import AT_ONCE
from api.serving.limits import Limits
from chains.guard import GUARD_BYTES
from chains.solana_client import SolanaChain
from commands.accounts import Accounts
from commands.amend import record_amendment
from commands.cancel import request_cancel
from commands.deadman import DeadmanSwitches
from commands.directory.commands import DirectoryCommands
from commands.directory.key_uses import KeyUses
from commands.epochs import KnownEpochs
from commands.executed_elsewhere import ExecutedElsewhere
from commands.foreign import ForeignTransactions
from commands.halting import Halting
from commands.ids import DEFAULT_ACCOUNT
from commands.known_accounts import KnownAccounts
from commands.orders import OrderRepository
from commands.trading import TradingStates
from commands.twap.lists import TwapLists
from commands.twap.lost_slices import LostSlices
from commands.twap.schedule import TwapSchedule
from domain import commands as c
from domain.account import ACCOUNT_EVENTS
from domain.directory_events import DIRECTORY_EVENTS
from domain.events import ORDER_EVENTS
from domain.tokens import KNOWN_TOKENS
from domain.trading_state import TradingStateSet
from event_store.append.appender import Appender
from event_store.errors import LeaseLostError
from event_store.mapper import EventMapper
from event_store.notifier import Notifier
from event_store.pool import connection_pool
from event_store.processors.leases import Lease
from event_store.read.feed import LogFeed
from event_store.read.log import Log
from projections.live import LiveFeed
from projections.orders import PROCESSOR
from projections.orders.queries import OrderList
from projections.projector import OrdersProjector
from projections.stream_changes import StreamChanges
from runtime.halts import Halts
from tests.integration.api.contract import Contract
from tests.plain_http import NO_AUTHORITIES
from venues.constant_product import PROGRAM_ID
from venues.pools import PoolBook
from venues.prices import PoolPrices
from venues.protocol import VenueGroup
from venues.report import VenueReport

CONFIG = ApiConfig(
    rpc_url="http://127.0.0.1:8899",
    tokens=KNOWN_TOKENS,
    position_patience=5.0,
)
LOCALNET = KnownChain("localnet")
MAPPER = EventMapper((*ORDER_EVENTS, *ACCOUNT_EVENTS, *DIRECTORY_EVENTS, TradingStateSet))
# Of the first engine of a run: the document is the code's, and takes as long as all the rest of a small test.
_CONTRACT: list[Contract] = []
NO_NODE = "http://127.0.0.1:1"
NO_VALKEY = "redis://127.0.0.1:1/0"
BODY = {"tokenIn": "SOL", "tokenOut": "USDC", "amountIn": "1.5", "slippageBps": 50}

REMOTE = [
    VenueReport(
        "Jupiter",
        service="jupiter",
        standing="left_alone",
        reason="jupiter: no answer within 2 s",
        left_alone_until=1_800_000_000.5,
        left=7,
        most=60,
        window=60.0,
    ),
    VenueReport("Orca via Jupiter", service="jupiter", standing="unknown", most=60, window=60.0),
]


@dataclass
class Engine:
    """A served API, and the command side for what workers would do."""

    url: str
    http: httpx2.AsyncClient
    events: Log
    orders: OrderRepository
    accounts: Accounts
    directory: DirectoryCommands
    switches: DeadmanSwitches
    twaps: TwapLists
    trading: TradingStates
    app: Litestar
    pool: AsyncConnectionPool[Any]
    feed: LogFeed
    hurry: asyncio.Event
    serving: asyncio.Task[None]
    checks: dict[str, str | None] = field(default_factory=dict)
    projecting: asyncio.Task[None] | None = None

    @property
    def ws(self) -> str:
        return self.url.replace("http", "ws")

    async def submit(self, **changes: object) -> dict[str, Any]:
        answer = await self.http.post("/api/orders/execute", json={**BODY, **changes})
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    async def tell(self, order_id: str, *commands: c.OrderCommand) -> None:
        """Execute what workers would."""
        for command in commands:
            loaded = await self.orders.load([UUID(order_id)])
            await self.orders.execute(loaded.orders[UUID(order_id)], command)

    def project(self) -> None:
        """Start a projector, once."""
        self.projecting = asyncio.create_task(self._project())

    async def _project(self) -> None:
        while True:
            lease = Lease(self.pool, PROCESSOR, owner="test")
            with contextlib.suppress(LeaseLostError):
                async with lease.hold():
                    await OrdersProjector(self.pool, self.feed, MAPPER, hurry=self.hurry).run(lease)


async def _contract(http: httpx2.AsyncClient) -> Contract:
    if not _CONTRACT:
        _CONTRACT.append(Contract((await http.get("/docs/openapi.json")).json()))
    return _CONTRACT[0]


def _held_to(contract: Contract) -> Callable[[httpx2.Response], Awaitable[None]]:
    async def check(answer: httpx2.Response) -> None:
        await answer.aread()
        if answer.request.method == "HEAD":
            return  # It has no content that could be held to anything.
        media_type = answer.headers.get("content-type", "").partition(";")[0]
        body = answer.json() if media_type.endswith("json") else answer.text
        path = answer.request.url.path
        # Those two lead to what is described.
        if path not in ("/", "/health") and not path.startswith("/docs"):
            contract.check(answer.request.method, path, answer.status_code, media_type, body)

    return check


async def _compared(trading: TradingStates, account_id: UUID) -> bool:
    """A test may put another in its place once the application runs."""
    return await trading.compared.of(account_id)


@contextlib.asynccontextmanager
async def running(
    app_url: str,
    *,
    config: ApiConfig = CONFIG,
    notifier: Notifier | None = None,
    rpc_url: str = NO_NODE,
    known: Callable[[], KnownChain] = lambda: LOCALNET,
    access: Access = STRICT,
    limits: Limits = LIMITS,
    at_once: int = AT_ONCE,
    max_lag: float = 60.0,
    keyless: Caller | None = KEYLESS,
    rates: Rates | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    remote: Sequence[VenueGroup] = (),
    outcome_patience: float = 5.0,
) -> AsyncIterator[Engine]:
    """An engine over the database at ``app_url``; without ``notifier`` its tails poll, without node: no price.

    A test's client shares the server's event loop, and holds it up at times: ``max_lag`` takes no notice of that.
    """
    async with connection_pool(app_url, max_size=8) as pool, SolanaChain(rpc_url) as chain:
        events, hurry = Log(pool), asyncio.Event()
        feed = LogFeed(events.read, events.head, notifier)
        appender = Appender(app_url, notifier=notifier, stored=feed.offer, outcome_patience=outcome_patience)
        await appender.start()
        following = asyncio.create_task(feed.run())
        book = PoolBook(chain, PROGRAM_ID)
        orders = OrderRepository(events, appender, MAPPER)
        accounts = Accounts(events, appender, MAPPER)
        trading, epochs = TradingStates(accounts), KnownEpochs(accounts, DEFAULT_ACCOUNT)
        foreign = ForeignTransactions(
            events, appender, MAPPER, orders, accounts, LostSlices(events, MAPPER, TwapSchedule(pool))
        )
        executed_elsewhere = ExecutedElsewhere(foreign)
        feed.follow(executed_elsewhere.follow)
        known_accounts, uses = KnownAccounts(events, MAPPER), KeyUses(pool)
        feed.follow(known_accounts.follow)
        await feed.begun()
        await known_accounts.load()
        directory = DirectoryCommands(app_url, pool, notifier, known_accounts)
        using = asyncio.create_task(uses.run())
        feed.follow(trading.follow)
        feed.follow(epochs.follow)
        problems: dict[str, str | None] = {"valkey": None}

        async def postgres() -> None:
            await events.head()

        async def valkey() -> str | None:
            return problems["valkey"]

        checks = (Check("postgres", postgres), Check("valkey", valkey, essential=False))
        switches = DeadmanSwitches(events, appender, MAPPER)
        twaps = TwapLists(events, appender, MAPPER, trading, orders, TwapSchedule(pool))
        changes = StreamChanges()
        feed.follow(changes.follow)
        live = LiveFeed(feed, events.load, MAPPER)

        async def reports() -> list[VenueReport]:
            return [VenueReport("Raydium"), *REMOTE]

        app = create_app(
            config, orders=orders, events=events, mapper=MAPPER, pool=pool, checks=checks, hurry=hurry.set,
            live=live, prices=PoolPrices(book), slot_age=chain.slot_age, chain=known, venues=(book, *remote),
            venue_reports=reports, trading=trading.of, epochs=epochs.all,
            executed_elsewhere=executed_elsewhere.of_order, accounts=known_accounts, directory=directory,
            guard_rent=partial(chain.rent, GUARD_BYTES),
            rates=rates or Rates(NO_VALKEY, fail_open=True),
            set_trading=Halts(
                Halting(events, appender, MAPPER), orders, trading, OrderList(pool, hurry.set)
            ).set,
            request_cancel=partial(request_cancel, orders, trading),
            compared=partial(_compared, trading),
            deadman=switches,
            twaps=twaps,
            stream_changes=changes,
            record_amendment=partial(record_amendment, orders, trading),
            authenticator=Authenticator(known_accounts, uses, keyless=keyless, clock=clock),
        )  # fmt: skip
        port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(
            serve(
                app,
                "127.0.0.1",
                0,
                access=access,
                listening=port.set_result,
                limits=limits,
                at_once=at_once,
                max_lag=max_lag,
            )
        )
        await asyncio.wait({serving, port}, return_when=asyncio.FIRST_COMPLETED)
        url = f"http://127.0.0.1:{port.result()}"
        async with httpx2.AsyncClient(base_url=url, timeout=30, verify=NO_AUTHORITIES) as http:
            http.event_hooks = {"response": [_held_to(await _contract(http))]}
            engine = Engine(
                url,
                http,
                events,
                orders,
                accounts,
                directory,
                switches,
                twaps,
                trading,
                app,
                pool,
                feed,
                hurry,
                serving,
                problems,
            )
            try:
                yield engine
            finally:
                for task in (engine.projecting, serving, following, using):
                    if task:
                        task.cancel()
                        await asyncio.gather(task, return_exceptions=True)
        directory.close()
        await appender.stop()
