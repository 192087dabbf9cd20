"""Jupiter's price API, version 3: dollars a token, 50 tokens a call."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from time import monotonic, time

import structlog

from domain.numbers import I64_MAX
from domain.tokens import Token
from venues.errors import VenueError
from venues.remote.service import Service
from venues.tick import Tick

log = structlog.get_logger(__name__)

MOST_TOKENS = 50


class JupiterFeed:
    """Asked every ``every`` seconds at most, by ``service``. A token without a reliable price is left out by it.

    A tick is as old as the block that its price was computed at has been the same; where none is named, as its price.
    """

    name = "jupiter"

    def __init__(
        self, service: Service, tokens: Sequence[Token], *, every: float, clock: Callable[[], float] = time
    ) -> None:
        self._service = service
        self._ids = ",".join(token.mint for token in tokens[:MOST_TOKENS])
        self._mints = {token.mint for token in tokens}
        self._every = every
        self._clock = clock
        self._asked = -every
        self._ticks: dict[str, Tick] = {}
        # Each token's last block, and when it was first named.
        self._blocks: dict[str, tuple[int, float]] = {}

    async def ticks(self) -> Mapping[str, Tick]:
        if monotonic() - self._asked >= self._every:
            self._asked = monotonic()
            try:
                self._take(await self._service.get("", {"ids": self._ids}, self._read))
            except VenueError as failed:
                log.debug("no prices", service=self._service.name, reason=failed.detail)
        return self._ticks

    def _read(self, body: bytes) -> dict[str, tuple[Decimal, int | None]]:
        try:
            # Numbers stay as they are written: a float would round them.
            said = json.loads(body, parse_float=Decimal, parse_int=Decimal)
            return {mint: _price(one) for mint, one in said.items() if mint in self._mints and _is_priced(one)}
        except (ArithmeticError, TypeError, AttributeError, KeyError):
            raise ValueError("its prices are in another form") from None

    def _take(self, found: Mapping[str, tuple[Decimal, int | None]]) -> None:
        now = self._clock()
        for mint, (price, block) in found.items():
            self._ticks[mint] = Tick(price, price, self._since(mint, price, block, now))

    def _since(self, mint: str, price: Decimal, block: int | None, now: float) -> float:
        """When Jupiter first said it: an answer is no news by itself."""
        if block is None:
            held = self._ticks.get(mint)
            return held.at if held and held.bid == price else now
        last = self._blocks.get(mint)
        if last is None or last[0] != block:
            last = self._blocks[mint] = block, now
        return last[1]


def _is_priced(one: dict[str, object] | None) -> bool:
    """One token that has no price, as one that was taken off, doesn't take those of all others with it."""
    return one is not None and one.get("usdPrice") is not None


def _price(one: dict[str, object]) -> tuple[Decimal, int | None]:
    price, block = one["usdPrice"], one.get("blockId")
    if not isinstance(price, Decimal) or not price.is_finite():
        raise ValueError("a price is a number")
    # An exponent makes a number of any length out of a few digits: compared first, and made one only then.
    if block is not None and not (isinstance(block, Decimal) and 0 <= block <= I64_MAX):
        raise ValueError("a block is a number of 63 bits")
    return price, None if block is None else int(block)
