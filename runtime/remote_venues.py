"""The venues that VENUES names, with what they share: one client, one budget and one breaker for each service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from redis.asyncio import Redis
from redis.exceptions import RedisError

from chains.lookup_tables import LookupTableCache
from chains.protocol import Chain
from domain.tokens import KNOWN_TOKENS
from event_store.valkey import open_valkey
from runtime.settings import Settings
from venues.jupiter import client as jupiter_client
from venues.jupiter.labels import LABELS
from venues.jupiter.venue import Jupiter
from venues.pools import PoolBook
from venues.protocol import VenueGroup
from venues.raydium import client as raydium_client
from venues.raydium.venue import Raydium
from venues.remote.breaker import BreakerState, CircuitBreaker
from venues.remote.budget import NoBudget, ValkeyBudget
from venues.remote.needed_accounts import NeededAccounts
from venues.remote.service import Refused, Service
from venues.remote.state_board import StateBoard, VenueState
from venues.report import VenueReport, VenueStanding

MINUTE = 60.0
_STANDINGS: dict[BreakerState, VenueStanding] = {"closed": "asked", "half_open": "trying", "open": "left_alone"}
_JUPITER_PER_MINUTE = {True: 60, False: 30}
"""With a key and without, as its plans were at the time of writing."""


@dataclass(frozen=True, slots=True)
class OpenVenues:
    """``groups`` in the order of VENUES; ``budgets`` by the name of their service; ``board`` is None without any."""

    groups: Sequence[VenueGroup]
    services: Sequence[Service] = ()
    budgets: dict[str, ValkeyBudget] = field(default_factory=dict)
    board: StateBoard | None = None

    async def reports(self) -> list[VenueReport]:
        """How each venue stands, by what all processes say."""
        states = await self._states()
        left = {name: await budget.left() for name, budget in self.budgets.items()}
        found = []
        for group in self.groups:
            service = group.service_name
            for venue in group.venues:
                budget = self.budgets.get(service) if service else None
                found.append(
                    VenueReport(
                        venue,
                        service,
                        *_standing(states, service, venue),
                        left=left[service] if service and budget else None,
                        most=budget.most if budget else None,
                        window=budget.window if budget else None,
                    )
                )
        return found

    async def _states(self) -> dict[str, VenueState] | None:
        try:
            return await self.board.read() if self.board else {}
        except (RedisError, OSError):
            return None


def _standing(
    states: dict[str, VenueState] | None, service: str | None, venue: str
) -> tuple[VenueStanding, str | None, float | None]:
    """Of the venue itself and the service it is asked at, the worse: why and until when it is left alone."""
    if service is None:
        return "asked", None, None
    if states is None:
        return "unknown", None, None
    held = [states[name] for name in (venue, service) if name in states]
    worst = max(held, key=lambda one: one.until or 0.0, default=VenueState())
    return _STANDINGS[worst.state], worst.reason, worst.until if worst.state == "open" else None


@asynccontextmanager
async def open_venues(settings: Settings, chain: Chain, pools: PoolBook) -> AsyncIterator[OpenVenues]:
    """No service is asked before somebody wants a quote. Without REDIS_URL, as before the first start, their requests
    aren't counted.
    """
    if set(settings.venues) <= {"pools"}:
        yield OpenVenues((pools,))
        return
    if not settings.redis_url:
        opening = _Opening(settings, None, chain)
        try:
            yield OpenVenues(opening.groups(pools), opening.services)
        finally:
            await opening.close()
        return
    async with open_valkey(settings.redis_url, socket_connect_timeout=1, socket_timeout=1) as valkey:
        opening = _Opening(settings, valkey, chain)
        groups = opening.groups(pools)
        board = StateBoard(valkey, opening.breakers)
        saying = asyncio.create_task(board.run(), name="venue-states")
        try:
            yield OpenVenues(groups, opening.services, opening.budgets, board)
        finally:
            saying.cancel()
            await asyncio.gather(saying, return_exceptions=True)
            await opening.close()


def jupiter_headers(settings: Settings) -> dict[str, str]:
    return {"x-api-key": settings.jupiter_api_key} if settings.jupiter_api_key else {}


def jupiter_budget(settings: Settings, valkey: Redis) -> ValkeyBudget:
    """Of all of Jupiter's paths together: it counts by organisation."""
    return ValkeyBudget(valkey, "jupiter", most=jupiter_most(settings), window=MINUTE)


def jupiter_most(settings: Settings) -> int:
    """Its requests a minute."""
    return settings.jupiter_requests_per_minute or _JUPITER_PER_MINUTE[bool(settings.jupiter_api_key)]


class _Opening:
    """Makes each service once."""

    def __init__(self, settings: Settings, valkey: Redis | None, chain: Chain) -> None:
        self._settings = settings
        self._valkey = valkey
        self._chain = chain
        self.services: list[Service] = []
        self.budgets: dict[str, ValkeyBudget] = {}
        self._of_venues: list[CircuitBreaker] = []

    def breakers(self) -> list[CircuitBreaker]:
        return [*(service.breaker for service in self.services), *self._of_venues]

    def groups(self, pools: PoolBook) -> list[VenueGroup]:
        """Those of VENUES, pools first."""
        named = self._settings.venues
        groups: list[VenueGroup] = [pools] if "pools" in named else []
        if words := [word for word in named if word in LABELS]:
            groups.append(self.jupiter(words))
        if "raydium" in named:
            groups.append(self.raydium())
        return groups

    async def close(self) -> None:
        await asyncio.gather(*(service.close() for service in self.services))

    def jupiter(self, words: Sequence[str]) -> Jupiter:
        settings = self._settings
        headers = jupiter_headers(settings)
        budget = jupiter_budget(settings, self._valkey) if self._valkey is not None else None
        service = self._service("jupiter", settings.jupiter_url, budget, jupiter_client.refused, headers)
        group = Jupiter(service, NeededAccounts(self._chain), words=words, tokens=KNOWN_TOKENS.tokens)
        self._of_venues += group.breakers.values()
        return group

    def raydium(self) -> Raydium:
        settings = self._settings
        budget = (
            ValkeyBudget(self._valkey, "raydium", most=settings.raydium_requests_per_minute, window=MINUTE)
            if self._valkey is not None
            else None
        )
        service = self._service("raydium", settings.raydium_url, budget, raydium_client.refused, {})
        tables = LookupTableCache(self._chain.lookup_table)
        group = Raydium(service, self._chain, tables.with_entries, tokens=KNOWN_TOKENS.tokens)
        self._of_venues.append(group.breaker)
        return group

    def _service(
        self, name: str, url: str, budget: ValkeyBudget | None, refused: Refused, headers: dict[str, str]
    ) -> Service:
        if budget:
            self.budgets[name] = budget
        timeout = self._settings.venue_timeout
        service = Service(name, url, budget=budget or NoBudget(), refused=refused, timeout=timeout, headers=headers)
        self.services.append(service)
        return service
