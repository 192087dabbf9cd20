"""Binance's public book tickers: the best bid and ask of each token against USDT, as they change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from time import time
from typing import Annotated

import msgspec
import structlog
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from domain.numbers import I64_MAX
from domain.tokens import USDT, Token
from venues.tick import Tick

log = structlog.get_logger(__name__)

SILENCE_S = 30.0
"""Without a message for so long the connection is made anew; so it is before the 24 h after which it would be cut."""
LIFE_S = 23 * 3600.0
ANEW_S = 30.0
"""Nothing newer than what is held came for so long: a smaller id is of a book that was begun anew."""
_AGAIN_S, _LONGEST_AGAIN_S = 0.5, 30.0
_MESSAGE_BYTES = 64 * 1024


class _Book(msgspec.Struct, frozen=True):
    """``u`` is the id of the book's update, ``s`` the symbol, ``b`` and ``a`` the best bid and ask, as text."""

    u: Annotated[int, msgspec.Meta(ge=0, le=I64_MAX)]
    s: str
    b: str
    a: str


class _Message(msgspec.Struct, frozen=True):
    stream: str = ""
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    e: str = ""


class BinanceFeed:
    """``run`` keeps the connection; ``ticks`` is what came last. ``silence`` is after how many seconds without a
    message it is made anew.

    A tick is as old as its update is held, however often that comes, also over a new connection: what repeats the same
    for an hour says nothing of the price now. The ids of a book only grow, so a smaller one is older than what is held,
    from a server that lags, and passed over. Should Binance begin a book's ids anew, that is held for ``ANEW_S``
    seconds at most.
    """

    name = "binance"

    def __init__(
        self, url: str, tokens: Sequence[Token], *, silence: float = SILENCE_S, clock: Callable[[], float] = time
    ) -> None:
        self._mints = {f"{token.symbol}USDT": token.mint for token in tokens if token != USDT}
        streams = "/".join(f"{symbol.lower()}@bookTicker" for symbol in self._mints)
        self._url = f"{url.rstrip('/')}/stream?streams={streams}"
        self._silence = silence
        self._clock = clock
        self._ticks: dict[str, Tick] = {}
        self._updates: dict[str, int] = {}

    async def ticks(self) -> Mapping[str, Tick]:
        """USDT counts as a dollar, which it is worth here: everything else is priced in it."""
        newest = max((tick.at for tick in self._ticks.values()), default=0.0)
        return {**self._ticks, USDT.mint: Tick(Decimal(1), Decimal(1), newest)} if newest else {}

    async def run(self) -> None:
        """Connect, and again after each end, at first soon, then later."""
        pause = _AGAIN_S
        while True:
            began = self._clock()
            try:
                await self._listen()
                reason = "its time was over"
            except (OSError, WebSocketException, TimeoutError) as error:
                reason = type(error).__name__
            pause = _AGAIN_S if self._clock() - began > self._silence else min(2 * pause, _LONGEST_AGAIN_S)
            log.info("prices are connected anew", source=self.name, reason=reason, in_s=pause)
            await asyncio.sleep(pause)

    async def _listen(self) -> None:
        """Until the connection ends or says that it will; the library answers its pings."""
        async with asyncio.timeout(LIFE_S), connect(self._url, max_size=_MESSAGE_BYTES, proxy=None) as socket:
            while True:
                async with asyncio.timeout(self._silence):
                    text = await socket.recv()
                if not self._take(text):
                    return

    def _take(self, text: str | bytes) -> bool:
        """Whether the connection goes on. What isn't a ticker is passed over."""
        try:
            message = msgspec.json.decode(text, type=_Message)
            if message.e == "serverShutdown":
                return False
            if message.data is msgspec.UNSET:
                return True
            book = msgspec.json.decode(message.data, type=_Book)
            tick = Tick(Decimal(book.b), Decimal(book.a), self._clock())
        except (ValueError, ArithmeticError, RecursionError):
            return True
        if (mint := self._mints.get(book.s)) and tick.is_sound and self._is_newer(mint, book.u, tick.at):
            self._ticks[mint], self._updates[mint] = tick, book.u
        return True

    def _is_newer(self, mint: str, update: int, now: float) -> bool:
        if mint not in self._updates:
            return True
        held = self._updates[mint]
        return update > held or (update < held and now - self._ticks[mint].at > ANEW_S)
