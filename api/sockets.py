"""What every WebSocket of ours needs, whatever it streams: patience with who reads it, a close code, and the answer to
a request that is no WebSocket's.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

import structlog
from litestar import WebSocket
from litestar.exceptions import WebSocketDisconnect

from api.errors import ProblemError, StreamRefusedError
from api.metrics import STREAMS, STREAMS_CLOSED
from event_store.errors import TRANSIENT_DATABASE_ERRORS, UnreadableEventError
from projections.errors import FeedStoppedError, SlowConsumerError

log = structlog.get_logger(__name__)

Socket = WebSocket[Any, Any, Any]

SEND_PATIENCE = 10.0
# What a close frame has room for, of RFC 6455: a longer reason would be no close at all.
MOST_REASON_BYTES = 123


@dataclass(frozen=True, slots=True)
class Close:
    code: int
    reason: str


Sending = Callable[[], Awaitable["Close | None"]]
"""Sends what there is; the close that follows it, None where the stream goes on."""

KEY_ENDED = Close(4401, "the key has expired or was revoked")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a socket streams, and how its client goes on after an interruption: as the reason of a close says it."""

    name: str
    again: str


def upgrade_required() -> ProblemError:
    """The answer to a request that is no WebSocket's."""
    headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
    return ProblemError(426, "upgrade_required", "This path speaks WebSocket.", headers=headers)


async def send_text(socket: Socket, text: str) -> None:
    """Raises ``TimeoutError`` where the client reads nothing."""
    async with asyncio.timeout(SEND_PATIENCE):
        await socket.send_text(text)


async def close(socket: Socket, why: Close) -> None:
    """Who is gone, or reads nothing, needs no goodbye."""
    STREAMS_CLOSED.labels(why.code).inc()
    with contextlib.suppress(OSError, WebSocketDisconnect):
        async with asyncio.timeout(SEND_PATIENCE):
            await socket.close(why.code, why.reason.encode()[:MOST_REASON_BYTES].decode(errors="ignore"))


async def read_until_gone(socket: Socket) -> None:
    """What the client says is read, so that its close is, and ignored."""
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            await socket.receive_data(mode="text")


@asynccontextmanager
async def accepted(socket: Socket) -> AsyncIterator[None]:
    """An open socket, whatever it asks: only such a one can be told a close code.

    Afterwards nobody asks it for anything. Its own functions know it, a circle that only the garbage collector would
    find, which stops everything meanwhile; so they are taken from it.
    """
    await socket.accept()
    try:
        with STREAMS.track_inprogress():
            yield
    finally:
        socket.receive = socket.send = _closed


async def _closed(*_: object) -> NoReturn:
    raise WebSocketDisconnect(detail="the socket is closed")


async def close_after(send: Sending, subject: Subject) -> Close | None:
    """What sending ends with; raises ``OSError`` and ``WebSocketDisconnect``, which say that the client is gone."""
    broken = Close(1011, f"this {subject.name} can't be read")
    try:
        return await send()
    except StreamRefusedError as refused:
        return Close(refused.code, refused.reason)
    except UnreadableEventError as unreadable:
        stream_id = str(unreadable.recorded.stream_id)
        log.error("stream can't be read", subject=subject.name, stream_id=stream_id, error=str(unreadable))
        return broken
    except (SlowConsumerError, TimeoutError):
        return Close(4408, f"too slow; {subject.again}")
    except (FeedStoppedError, *TRANSIENT_DATABASE_ERRORS) as error:
        log.warning("stream interrupted", error=type(error).__name__)
        return Close(1012, f"not now; {subject.again}")
    except (OSError, WebSocketDisconnect):
        raise
    except Exception as error:
        log.error("stream failed", exc_info=error)
        return broken
