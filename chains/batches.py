"""JSON-RPC calls of one method that are made at the same moment go as one HTTP request; each has its own answer.

An HTTP request costs its caller and the node ten times what one more call in a batch does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from chains.json_rpc import Answer, Request, decode, decode_batch, encode, encode_batch
from chains.transport import StatusError, TransportError

log = structlog.get_logger(__name__)

CALLS_A_BATCH = 100
UNBATCHED_S = 60.0
# A batch is answered when its slowest call is: no call may hold up the others for longer than this.
BATCH_TIMEOUT_S = 3.0
# What a server answers that can't make anything of a batch. 429 and a gateway's 502 to 504 would be answered to single
# calls as well, and a hundred of them in place of one make it worse.
_NOT_TAKEN = frozenset(range(400, 502)) - {429}


@dataclass(frozen=True, slots=True)
class _Call:
    request: Request
    answer: asyncio.Future[Answer]


class Batches:
    """Calls to one endpoint, sent by ``post``; what that raises, every call of the batch raises.

    A single call is sent as a plain request. Not every endpoint takes batches: after a batch that was answered as one
    that isn't taken, or was not answered within ``BATCH_TIMEOUT_S`` seconds, calls are sent one by one for
    ``UNBATCHED_S`` seconds, so that a slow call holds up only itself. Who asks for fewer requests, or can't be reached,
    is sent batches as before.
    """

    def __init__(self, post: Callable[[bytes], Awaitable[bytes]]) -> None:
        self._post = post
        self._unbatched_until = 0.0
        self._waiting: dict[str, list[_Call]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def answer(self, request: Request) -> Answer:
        """The answer to this request; ValueError where there is none that can be read."""
        loop = asyncio.get_running_loop()
        call = _Call(request, loop.create_future())
        waiting = self._waiting.setdefault(request.method, [])
        waiting.append(call)
        if len(waiting) == 1:
            # Runs after every task that is ready now, so that tasks woken together share a batch.
            loop.call_soon(self._send_waiting, request.method)
        return await call.answer

    async def close(self) -> None:
        """Cancel the calls that are not answered yet."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _send_waiting(self, method: str) -> None:
        calls = [call for call in self._waiting.pop(method) if not call.answer.done()]
        most = 1 if time.monotonic() < self._unbatched_until else CALLS_A_BATCH
        for first in range(0, len(calls), most):
            task = asyncio.create_task(self._send(calls[first : first + most]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _send(self, calls: Sequence[_Call]) -> None:
        try:
            answers = await self._ask(calls)
        except asyncio.CancelledError:
            for call in calls:
                call.answer.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - every caller of the batch gets it
            for call in calls:
                if not call.answer.done():
                    call.answer.set_exception(error)
            if len(calls) > 1 and _speaks_of_the_batch(error):
                self._unbatched_until = time.monotonic() + UNBATCHED_S
                log.warning("a batch failed: calls go one by one", calls=len(calls), error=type(error).__name__)
            return
        for call in calls:
            if call.answer.done():
                continue
            if answer := answers.get(call.request.id):
                call.answer.set_result(answer)
            else:
                call.answer.set_exception(ValueError("the batch has no answer to this call"))

    async def _ask(self, calls: Sequence[_Call]) -> dict[int | str, Answer]:
        """What came for each request, by its id."""
        if len(calls) == 1:
            answer = decode(await self._post(encode(calls[0].request)))
            return {answer.id: answer}
        async with asyncio.timeout(BATCH_TIMEOUT_S):
            body = await self._post(encode_batch([call.request for call in calls]))
        return decode_batch(body)


def _speaks_of_the_batch(error: Exception) -> bool:
    """Whether single calls may be answered where the batch was not."""
    return error.status in _NOT_TAKEN if isinstance(error, StatusError) else not isinstance(error, TransportError)
