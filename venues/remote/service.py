"""One remote service: requests are counted, bounded in time and size, made once; when it fails it is left alone."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from time import monotonic, time
from typing import TypeVar

import aiohttp
import structlog

from domain.codes import Code
from domain.secret_words import SecretWords, of_header
from venues.errors import ServiceIllError, VenueError
from venues.metrics import REQUEST_SECONDS, REQUESTS
from venues.remote.answers import short
from venues.remote.breaker import CircuitBreaker
from venues.remote.budget import Budget
from venues.remote.turns import Turns

log = structlog.get_logger(__name__)

T = TypeVar("T")

CONNECTIONS = 256
ANSWER_BYTES = 2 * 1024 * 1024
# So long after a 429 at least, whatever it says.
PAUSE_S = 1.0
KEEP_ALIVE_S = 4.0
_SECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]{0,9})?")


@dataclass(frozen=True, slots=True)
class Reply:
    """``headers`` by their lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Refused = Callable[[Reply], VenueError]
"""What an answer that isn't a success means, in our codes."""

Read = Callable[[bytes], T]
"""Makes of the body of a 200 what was asked for. Raises ``VenueError`` where it says a failure (``ServiceIllError`` one
of the service's own), and ``ValueError`` or ``RecursionError`` where it can't be used: not in its form, or to another
question."""

# Answers to what was asked, and no word against the service: there is no such route, or it was asked too often.
_ANSWERED = frozenset({400, 422, 429})


class Service:
    """The service at ``url``, whose secret ``headers`` go with each request. ``timeout`` is for a whole request, in
    seconds; ``refused`` decodes its errors. Nothing that it says is kept with one of these secrets in it.
    """

    def __init__(
        self,
        name: str,
        url: str,
        *,
        budget: Budget,
        refused: Refused,
        timeout: float,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.budget = budget
        self.breaker = CircuitBreaker(name)
        self._url = url.rstrip("/")
        self._headers = dict(headers or {})
        self._secrets = SecretWords((word for value in self._headers.values() for word in of_header(value)), urls=[url])
        self._refused = refused
        self._timeout = timeout
        self._turns = Turns()
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session:
            await self._session.close()

    async def get(self, path: str, query: Mapping[str, str], read: Read[T]) -> T:
        """What ``read`` makes of a successful answer. Raises ``VenueError`` for everything else. The service has
        succeeded once that could be read.
        """
        return self._used(await self._ask("GET", path, query=query), read)

    async def post(self, path: str, body: bytes, read: Read[T]) -> T:
        return self._used(await self._ask("POST", path, body=body), read)

    def unusable(self, what: str) -> VenueError:
        """The error of an answer that came and can't be used."""
        what = self.struck(what)
        self.breaker.failed(what)
        REQUESTS.labels(self.name, "unusable").inc()
        return VenueError(Code.VENUE_ANSWER_INVALID, f"{self.name}: {what}")

    def struck(self, text: str) -> str:
        """What the service said, without the secrets that it was sent: some say back the key that they refuse."""
        return self._secrets.struck(text)

    async def _ask(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> bytes:
        await self._turns.next()
        self.breaker.require(within=self._timeout)
        await self.budget.take()
        began = monotonic()
        try:
            reply = await self._reply(method, path, query, body)
        except VenueError as failed:
            REQUESTS.labels(self.name, "unanswered").inc()
            self.breaker.failed(failed.detail)
            raise
        REQUEST_SECONDS.labels(self.name).observe(monotonic() - began)
        await self._heed_limits(reply)
        await self._turns.next()
        if reply.status != 200:
            raise self._error(reply)
        return reply.body

    def _used(self, body: bytes, read: Read[T]) -> T:
        try:
            found = read(body)
        except VenueError as error:
            said = self._struck(error)
            REQUESTS.labels(self.name, str(said.code)).inc()
            self._heard(said, answered=not isinstance(said, ServiceIllError))
            raise said from None
        except (ValueError, RecursionError) as error:
            raise self.unusable(f"its answer can't be used: {short(error)}") from None
        REQUESTS.labels(self.name, "answered").inc()
        self.breaker.succeeded()
        return found

    def _error(self, reply: Reply) -> VenueError:
        error = self._struck(self._refused(reply))
        REQUESTS.labels(self.name, str(error.code)).inc()
        request = self.struck(reply.headers.get("x-api-gateway-request-id", ""))
        log.info("venue refused", service=self.name, status=reply.status, code=error.code, request=request[:64])
        self._heard(error, answered=reply.status in _ANSWERED)
        return error

    def _struck(self, error: VenueError) -> VenueError:
        return type(error)(error.code, self.struck(error.detail))

    def _heard(self, error: VenueError, *, answered: bool) -> None:
        if answered:
            self.breaker.succeeded()
        elif error.code == Code.VENUE_UNAUTHORIZED:
            # Nobody is let through until somebody mends the key: it is no silence that an order then ends by.
            self.breaker.failed(error.detail, error.code)
        else:
            self.breaker.failed(error.detail)

    async def _heed_limits(self, reply: Reply) -> None:
        """Nobody asks again before the service says so."""
        left, until = reply.headers.get("x-ratelimit-remaining", ""), _seconds(reply.headers.get("x-ratelimit-reset"))
        if reply.status == 429:
            after = _retry_at(reply.headers.get("retry-after", ""))
            await self.budget.block_until(max(until, after, time() + PAUSE_S))
        elif left.startswith("-") or left == "0":
            await self.budget.block_until(until)

    async def _reply(self, method: str, path: str, query: Mapping[str, str] | None, body: bytes | None) -> Reply:
        session = self._session = self._session or self._open()
        # Raised without their cause: its text may hold the address, and with it a key.
        try:
            async with (
                asyncio.timeout(self._timeout),
                session.request(method, self._url + path, params=query, data=body, allow_redirects=False) as answer,
            ):
                headers = {name.lower(): value for name, value in answer.headers.items()}
                return Reply(answer.status, headers, await self._bounded(answer))
        except TimeoutError:
            raise self._unanswered(f"no answer within {self._timeout:g} s") from None
        except (aiohttp.ClientError, ValueError, OSError) as error:
            raise self._unanswered(type(error).__name__) from None

    async def _bounded(self, answer: aiohttp.ClientResponse) -> bytes:
        parts, size = [], 0
        async for part in answer.content.iter_any():
            size += len(part)
            if size > ANSWER_BYTES:
                raise self._unanswered("too long an answer")
            parts.append(part)
        return b"".join(parts)

    def _unanswered(self, why: str) -> VenueError:
        return VenueError(Code.VENUE_UNAVAILABLE, f"{self.name}: {why}")

    def _open(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=CONNECTIONS,
                keepalive_timeout=KEEP_ALIVE_S,
                ssl=_ssl_context() if self._url.startswith("https:") else True,
            ),
            headers={"Accept": "application/json", "Content-Type": "application/json", "User-Agent": "surefill"}
            | self._headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            trust_env=False,
        )


def _seconds(text: str | None) -> float:
    """Digits, maybe with decimals; 0 where it is anything else. What is too long to be a time is none."""
    return float(text) if text and _SECONDS.fullmatch(text) else 0.0


def _retry_at(text: str) -> float:
    """The unix time that a ``Retry-After`` names, as seconds from now or as an HTTP date; 0 where it names none."""
    if after := _seconds(text):
        return time() + after
    try:
        date = parsedate_to_datetime(text)
        # One without a zone is in GMT, as all HTTP dates are.
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def _ssl_context() -> ssl.SSLContext:
    """The system's certificates, not those of the environment; imported here, as most processes ask no venue."""
    import httpx2

    return httpx2.create_ssl_context(trust_env=False)
