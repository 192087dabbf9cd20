"""The API: commands in, queries and streams out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from itertools import combinations
from urllib.parse import urlsplit

from redis.asyncio import Redis

from api.app import create_app
from api.callers.authentication import Authenticator
from api.callers.caller import KEYLESS
from api.chain import KnownChain
from api.config import ApiConfig
from api.rates import Rates
from api.server import serve
from api.services import Check
from chains.errors import ChainUnavailableError
from chains.guard import GUARD_BYTES
from commands.amend import record_amendment
from commands.cancel import request_cancel
from commands.directory.key_uses import KeyUses
from commands.history_compared import NothingToCompare
from commands.ids import DEFAULT_ACCOUNT
from domain.tokens import KNOWN_TOKENS, pair_of
from domain.trading_state import AccountTrading
from event_store.processors import dead_letters
from event_store.schema.migrate import roles_separate
from event_store.valkey import open_valkey
from projections.live import LiveFeed
from projections.orders.queries import OrderList
from runtime.chain_identity import ChainIdentity
from runtime.composition import Market, Store, utc_now
from runtime.errors import StartupError
from runtime.evidence_endpoints import EvidenceEndpoints
from runtime.halted_accounts import halted_accounts
from runtime.halts import Halts
from runtime.log_behind import RECOVER
from runtime.operator_log import OperatorLog
from runtime.preconditions import require_key
from runtime.price_sources import SlotAge, open_prices
from runtime.readiness import role_checks
from runtime.roles.parts import Parts
from runtime.settings import Settings
from venues.feeds.agreement import AgreedPrices
from venues.prices import PriceSource


async def run(parts: Parts) -> None:
    settings, store, market = parts.settings, parts.store, parts.market
    await store.feed.begun()
    await store.known_accounts.load()
    require_key(store.known_accounts, settings)
    store.feed.follow(OperatorLog(store.mapper, store.known_accounts).follow)
    async with (
        _uses_written(store) as uses,
        _evidence_checked(market) as evidence,
        open_valkey(settings.redis_url, socket_connect_timeout=1, socket_timeout=1) as valkey,
        open_prices(settings, market.pools, market.chain.slot_age) as prices,
        Rates(settings.redis_url, fail_open=settings.rates_without_valkey == "open") as rates,
    ):
        trading = partial(store.trading.of, DEFAULT_ACCOUNT)
        app = create_app(
            _config(settings),
            orders=store.orders,
            events=store.events,
            mapper=store.mapper,
            pool=store.pool,
            live=LiveFeed(store.feed, store.events.load, store.mapper),
            prices=prices.source,
            slot_age=prices.slot_age,
            chain=lambda: _known(market.identity),
            venues=market.venues,
            venue_reports=market.opened.reports,
            checks=[
                *_checks(store, valkey),
                *role_checks(
                    store.pool,
                    witnessed=settings.witness_file is not None,
                    paper=settings.paper,
                    behind=partial(_behind, trading),
                ),
                _log_check(trading),
                _rates_check(rates),
                _chain_check(market),
                Check("evidence", evidence.problem, essential=False),
                Check("rpc", market.chain.health.problem, essential=False),
                _venues_check(market),
                prices_check(prices.slot_age, prices.source, settings.price_max_age),
            ],
            hurry=store.ask_for_hurry,
            trading=store.trading.of,
            epochs=store.epochs.all,
            executed_elsewhere=store.executed_elsewhere.of_order,
            accounts=store.known_accounts,
            directory=store.directory,
            rates=rates,
            guard_rent=partial(market.chain.rent, GUARD_BYTES),
            set_trading=Halts(
                store.halting, store.orders, store.trading, OrderList(store.pool, store.ask_for_hurry)
            ).set,
            request_cancel=partial(request_cancel, store.orders, store.trading),
            # An engine on paper has nothing to lose; what is real there, and waits, is refused by itself.
            compared=NothingToCompare().of if settings.paper else store.trading.compared.of,
            deadman=store.deadman,
            twaps=store.twaps,
            stream_changes=store.stream_changes,
            record_amendment=partial(record_amendment, store.orders, store.trading),
            authenticator=Authenticator(
                store.known_accounts, uses, keyless=KEYLESS if settings.is_local else None, clock=utc_now
            ),
        )
        try:
            await serve(
                app,
                settings.host,
                settings.port,
                access=settings.access(settings.host),
                max_lag=settings.max_loop_lag_ms / 1_000,
            )
        except OSError as taken:
            raise StartupError(f"HOST {settings.host} PORT {settings.port} can't be had: {taken.strerror}") from None


@asynccontextmanager
async def _evidence_checked(market: Market) -> AsyncIterator[EvidenceEndpoints]:
    """The endpoints that are asked for evidence, each compared with the chain in the background."""
    endpoints = EvidenceEndpoints(market.chain.evidence_endpoints, market.identity.expected)
    checking = asyncio.create_task(endpoints.run(), name="evidence-endpoints")
    try:
        yield endpoints
    finally:
        checking.cancel()
        await asyncio.gather(checking, return_exceptions=True)


@asynccontextmanager
async def _uses_written(store: Store) -> AsyncIterator[KeyUses]:
    uses = KeyUses(store.pool)
    writing = asyncio.create_task(uses.run(), name="key-uses")
    try:
        yield uses
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)


def _known(identity: ChainIdentity) -> KnownChain:
    return KnownChain(identity.network, identity.refusal)


def _chain_check(market: Market) -> Check:
    async def chain() -> str | None:
        return market.identity.problem

    return Check("chain", chain, essential=False)


def _venues_check(market: Market) -> Check:
    async def venues() -> str | None:
        """A service whose requests can't be counted isn't asked; pools need none."""
        if not market.opened.budgets:
            return None
        left = [await budget.left() for budget in market.opened.budgets.values()]
        return "the requests to remote venues can't be counted (REDIS_URL): none is asked" if None in left else None

    return Check("venues", venues, essential=False)


async def _behind(trading: Callable[[], Awaitable[AccountTrading]]) -> bool:
    return (await trading()).behind


def _log_check(trading: Callable[[], Awaitable[AccountTrading]]) -> Check:
    async def log() -> str | None:
        found = await trading()
        if found.unreadable:
            return f"account_unreadable: {found.reason}"
        return f"log_behind: {found.reason}; {RECOVER}, then surefill resume" if found.behind else None

    return Check("log", log, essential=False)


def _rates_check(rates: Rates) -> Check:
    async def counted() -> str | None:
        if rates.problem is None:
            return None
        meanwhile = "no order is held back by its rate" if rates.fail_open else "accounts with a rate are refused"
        return f"Valkey can't count ({rates.problem}): {meanwhile}"

    return Check("rates", counted, essential=False)


def _config(settings: Settings) -> ApiConfig:
    return ApiConfig(
        rpc_url=_without_secrets(settings.solana_rpc_url),
        tokens=KNOWN_TOKENS,
        requires_client_order_id=not settings.is_local,
        default_slippage_bps=settings.default_slippage_bps,
        order_deadline=timedelta(seconds=settings.market_order_deadline),
        paper=settings.paper,
        tips=settings.tips,
        previews_per_minute=settings.previews_per_minute or None,
    )


def _without_secrets(url: str) -> str:
    """Scheme, host and port: a provider's key is in the path, the query or the credentials."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")


def _checks(store: Store, valkey: Redis) -> list[Check]:
    async def postgresql() -> None:
        await store.events.head()

    async def hints() -> None:
        await valkey.ping()

    async def roles() -> str | None:
        async with store.pool.connection() as connection:
            if await roles_separate(connection):
                return None
        return "the application owns the log: triggers alone keep it immutable; set DATABASE_OWNER_URL"

    async def trading() -> str | None:
        return await halted_accounts(store.trading, store.known_accounts.accounts)

    async def no_dead_letters() -> str | None:
        async with store.pool.connection() as connection, connection.cursor() as cursor:
            counts = await dead_letters.counts(cursor)
        found = ", ".join(f"{count} at {processor}" for processor, count in counts.items())
        return f"dead letters: {found}; list them: surefill dead-letters" if found else None

    return [
        Check("postgresql", postgresql),
        Check("valkey", hints, essential=False),
        Check("roles", roles, essential=False),
        Check("trading", trading, essential=False),
        Check("dead letters", no_dead_letters, essential=False),
    ]


def prices_check(slot_age: SlotAge, source: PriceSource, max_age: int) -> Check:
    """Well while the newest price is at most ``max_age`` seconds old."""
    pairs = [pair_of(one, other) for one, other in combinations(KNOWN_TOKENS.tokens, 2)]

    async def prices() -> str | None:
        try:
            seen = await source.observe(pairs)
            age = await slot_age(seen.slot) if seen.pairs else 0
        except ChainUnavailableError as error:
            return f"the prices can't be read: {error}"
        if not seen.pairs:
            several = isinstance(source, AgreedPrices)
            return "the price sources agree on no pair" if several else "no venue has a price of any pair"
        return None if age <= max_age else f"the newest price is {age} s old: it fires nothing"

    return Check("prices", prices, essential=False)
