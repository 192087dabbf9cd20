"""Pyth's prices over its Hermes interface: dollars a token and how sure its publishers are, all tokens in one call.

Its key goes as ``Authorization: Bearer``. https://docs.pyth.network/api-reference/hermes/latest-price-updates
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Context, Decimal
from time import monotonic, time
from typing import Annotated
from urllib.parse import urlencode

import msgspec
import structlog

from domain.codes import Code
from domain.numbers import I64_MAX
from domain.tokens import BONK, JUP, RAY, SOL, USDC, USDT, Token
from venues.errors import VenueError
from venues.remote.service import Reply, Service
from venues.tick import Tick

log = structlog.get_logger(__name__)

# What Pyth calls each token's price in dollars: https://docs.pyth.network/price-feeds/core/price-feeds/price-feed-ids
FEED_IDS = {
    SOL.mint: "ef0d8b6fda2ceba41da15d4095d1da392a0d2f8ed0c6c7bc0f4cfac8c280b56d",
    USDC.mint: "eaa020c61cc479712813461ce153894a96a6c00b21ed0cfc2798d1f9a9e9c94a",
    USDT.mint: "2b89b9dc8fdf9f34709a5b106b472f0f39bb6ca9ce04b0fd7f2e971688e2e53b",
    JUP.mint: "0a0408d619e9380abad35060f9192039ed5042fa6f82301d0e48bb52be830996",
    RAY.mint: "91568baa8beb53db23eb3fb7f22c6e8bd303d103919e19733f2bb642d3e7987a",
    BONK.mint: "72b021217ca3fe68922a19aaf990109cb9d84e9ad004b4d2025ad6f529314419",
}
_EXACT = Context(prec=60)
_Integer = Annotated[str, msgspec.Meta(pattern=r"^-?\d{1,20}$")]


class _Price(msgspec.Struct, frozen=True):
    """``price`` and ``conf``, the interval's half, are whole numbers of ``10**expo`` dollars."""

    price: _Integer
    conf: _Integer
    expo: Annotated[int, msgspec.Meta(ge=-24, le=12)]
    publish_time: Annotated[int, msgspec.Meta(ge=0, le=I64_MAX)]


class _Update(msgspec.Struct, frozen=True):
    id: str
    price: _Price


class _Answer(msgspec.Struct, frozen=True):
    parsed: list[_Update]


class PythFeed:
    """Asked every ``every`` seconds at most, by ``service``; tokens that Pyth has no price of are left out.

    What it says of a time to come is passed over: it would count as newer than all that comes until then.
    A seller gets the lower end of a price's interval, a buyer pays the upper one: where Pyth isn't sure, less triggers.
    """

    name = "pyth"

    def __init__(
        self, service: Service, tokens: Sequence[Token], *, every: float, clock: Callable[[], float] = time
    ) -> None:
        self._service = service
        self._mints = {FEED_IDS[token.mint]: token.mint for token in tokens if token.mint in FEED_IDS}
        ids = [("ids[]", feed) for feed in self._mints]
        self._path = "/v2/updates/price/latest?" + urlencode([*ids, ("encoding", "hex"), ("parsed", "true")])
        self._every = every
        self._clock = clock
        self._asked = -every
        self._ticks: dict[str, Tick] = {}

    async def ticks(self) -> Mapping[str, Tick]:
        if monotonic() - self._asked >= self._every:
            self._asked = monotonic()
            try:
                self._take(await self._service.get(self._path, {}, _said))
            except VenueError as failed:
                log.debug("no prices", service=self._service.name, reason=failed.detail)
        return self._ticks

    def _take(self, said: Sequence[tuple[str, Tick]]) -> None:
        now = self._clock()
        for feed, tick in said:
            mint = self._mints.get(feed)
            held = self._ticks.get(mint or "")
            if mint and not tick.is_from_later(now) and (held is None or held.at <= tick.at):
                self._ticks[mint] = tick


def _said(body: bytes) -> list[tuple[str, Tick]]:
    """By the feed's id. Raises ``ValueError``."""
    try:
        updates = msgspec.json.decode(body, type=_Answer).parsed
        return [(update.id.removeprefix("0x"), _tick(update.price)) for update in updates]
    except ArithmeticError:
        raise ValueError("its numbers are beyond all bounds") from None


def refused(reply: Reply) -> VenueError:
    """What an answer that isn't 200 means."""
    detail = f"Pyth: HTTP {reply.status}"
    match reply.status:
        case 401 | 403:
            return VenueError(Code.VENUE_UNAUTHORIZED, detail)
        case 429:
            return VenueError(Code.VENUE_RATE_LIMITED, detail)
    return VenueError(Code.VENUE_UNAVAILABLE, detail)


def _tick(price: _Price) -> Tick:
    middle, half = (Decimal(text).scaleb(price.expo, _EXACT) for text in (price.price, price.conf))
    return Tick(_EXACT.subtract(middle, half), _EXACT.add(middle, half), float(price.publish_time))
