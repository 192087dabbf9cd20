"""HTTP POSTs to one address over kept connections: the body of the answer, or in a few words why there is none."""

from __future__ import annotations

import asyncio
import ssl
from urllib.parse import urlsplit

import aiohttp

# Below the 5 s after which common servers close an idle connection.
KEEP_ALIVE_S = 4.0
# Far more than any answer we ask for; it bounds what an endpoint can make us hold.
ANSWER_BYTES = 64 * 1024 * 1024
# Why somebody refuses is a sentence.
REASON_BYTES = 4096

# What is recorded of a send that got no answer has always had these words.
_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.InvalidURL, "its URL can't be read"),
    (aiohttp.ClientConnectorError, "ConnectError"),
    (aiohttp.ServerDisconnectedError, "RemoteProtocolError"),
    (aiohttp.ClientOSError, "ReadError"),
    (aiohttp.ClientPayloadError, "RemoteProtocolError"),
    (aiohttp.ClientResponseError, "RemoteProtocolError"),
)


class TransportError(Exception):
    """No answer came; the text is one or a few words and never holds the URL."""


class StatusError(TransportError):
    """An HTTP ``status`` other than success."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(f"HTTP {status}")


class ForbiddenError(StatusError):
    """HTTP 403; ``body`` is what begins it."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        super().__init__(403)


class Transport:
    """POSTs JSON to ``url`` over at most ``connections`` connections, opened by the first call.

    A request is made once: nothing is repeated, redirected, decompressed or taken from the environment.
    """

    def __init__(self, url: str, *, connections: int) -> None:
        self._url = url
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    async def close(self) -> None:
        self._closed = True
        if self._session:
            await self._session.close()

    async def post(self, body: bytes, *, within: float, tells_why: bool = False) -> bytes:
        """The body of the answer; ``within`` is for the whole exchange, in seconds.

        Raises ``TransportError``, for any status but success ``StatusError``, and ``TimeoutError``; where it
        ``tells_why`` it doesn't answer, ``ForbiddenError``.
        """
        if self._closed:
            raise TransportError("closed")
        session = self._session = self._session or self._open()
        # Raised without their cause: its text holds the URL, and with it the key.
        try:
            async with asyncio.timeout(within), session.post(self._url, data=body, allow_redirects=False) as response:
                if tells_why and response.status == 403:
                    raise ForbiddenError(await _beginning(response))
                if not 200 <= response.status < 300:
                    raise StatusError(response.status)
                return await _bounded(response)
        except aiohttp.ServerTimeoutError:
            raise TimeoutError from None
        except (aiohttp.ClientError, ValueError) as error:
            raise TransportError(_reason(error)) from None

    async def connect(self, *, within: float) -> None:
        """Open a connection of its own and close it again: nothing is sent. Raises ``TransportError`` and
        ``TimeoutError``.
        """
        parts = urlsplit(self._url)
        secure = parts.scheme == "https"
        try:
            async with asyncio.timeout(within):
                _, writer = await asyncio.open_connection(
                    parts.hostname, parts.port or (443 if secure else 80), ssl=_ssl_context() if secure else None
                )
        except TimeoutError:
            raise
        except (OSError, ValueError) as error:
            raise TransportError(type(error).__name__) from None
        writer.close()

    def _open(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._connections,
                keepalive_timeout=KEEP_ALIVE_S,
                ssl=_ssl_context() if urlsplit(self._url).scheme == "https" else True,
            ),
            headers={"Content-Type": "application/json", "Accept-Encoding": "identity", "User-Agent": "surefill"},
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            trust_env=False,
        )


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    parts, size = [], 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > ANSWER_BYTES:
            raise TransportError("too long an answer")
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def _beginning(response: aiohttp.ClientResponse) -> bytes:
    found = b""
    async for part in response.content.iter_any():
        found += part
        if len(found) >= REASON_BYTES:
            break
    return found[:REASON_BYTES]


def _reason(error: Exception) -> str:
    return next((reason for kind, reason in _REASONS if isinstance(error, kind)), type(error).__name__)


def _ssl_context() -> ssl.SSLContext:
    """The system's certificates, found on every platform and for every build of Python; not those of the environment.

    Imported here: most processes speak to a local node and have no use for a second HTTP client in memory.
    """
    import httpx2

    return httpx2.create_ssl_context(trust_env=False)
