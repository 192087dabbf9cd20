"""The API's process: commands in, queries and streams out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import combinations
from urllib.parse import urlsplit

from redis.asyncio import Redis

from api.app import create_app
from api.config import ApiConfig
from api.server import serve
from api.services import Check
from chains.protocol import Chain
from commands.ids import DEFAULT_ACCOUNT
from domain.tokens import KNOWN_TOKENS, pair_of
from event_store.processors import dead_letters
from event_store.schema.migrate import roles_separate
from projections.live import LiveFeed
from runtime.composition import Market, Store, open_market, open_store
from runtime.errors import StartupError
from runtime.preconditions import require_chain_of_log
from runtime.settings import Settings
from venues.prices import PoolPrices, PriceSource
from venues.protocol import VenueGroup

CONNECTIONS = 8


async def run(settings: Settings) -> None:
    async with (
        open_store(settings, "api", connections=CONNECTIONS) as store,
        open_market(settings) as market,
        Redis.from_url(settings.redis_url, socket_connect_timeout=1, socket_timeout=1) as valkey,
    ):
        await require_chain_of_log(store.pool, store.mapper, market.genesis_hash)
        prices = PoolPrices(market.pools)
        app = create_app(
            _config(settings, market),
            orders=store.orders,
            events=store.events,
            mapper=store.mapper,
            pool=store.pool,
            live=LiveFeed(store.events, store.notifier),
            prices=prices,
            slot_age=market.chain.slot_age,
            checks=[*_checks(store, valkey), prices_check(market.chain, prices, settings.price_max_age)],
        )
        try:
            await serve(app, settings.host, settings.port, access=settings.access(settings.host))
        except OSError as taken:
            raise StartupError(f"HOST {settings.host} PORT {settings.port} can't be had: {taken.strerror}") from None


def _config(settings: Settings, market: Market) -> ApiConfig:
    return ApiConfig(
        account_id=DEFAULT_ACCOUNT,
        network=market.network,
        rpc_url=_without_secrets(settings.solana_rpc_url),
        tokens=KNOWN_TOKENS,
        pairs=_pairs(market.venues),
        venues=tuple(venue for group in market.venues for venue in group.venues),
        default_slippage_bps=settings.default_slippage_bps,
        order_deadline=timedelta(seconds=settings.market_order_deadline),
    )


def _pairs(venues: Sequence[VenueGroup]) -> tuple[str, ...]:
    """The pairs of known tokens that some venue trades, as prices read."""
    tokens = {token.mint: token for token in KNOWN_TOKENS.tokens}
    traded = {pair for group in venues for pairs in group.venues.values() for pair in pairs}
    return tuple(
        sorted(pair_of(tokens[a], tokens[b]).symbol for a, b in map(tuple, traded) if a in tokens and b in tokens)
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
        return (await store.accounts.trading(DEFAULT_ACCOUNT)).reason

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


def prices_check(chain: Chain, source: PriceSource, max_age: int) -> Check:
    """Well while the newest price is at most ``max_age`` seconds old."""
    pairs = [pair_of(one, other) for one, other in combinations(KNOWN_TOKENS.tokens, 2)]

    async def prices() -> str | None:
        seen = await source.observe(pairs)
        if not seen.pairs:
            return "no venue has a price of any pair"
        age = await chain.slot_age(seen.slot)
        return None if age <= max_age else f"the newest price is {age} s old: it fires nothing"

    return Check("prices", prices, essential=False)
