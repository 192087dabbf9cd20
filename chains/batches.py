"""JSON-RPC calls of one method that are made at the same moment go as one HTTP request; each has its own answer.

An HTTP request costs its caller 0.7 ms of CPU, whatever it carries; a call more in a batch, a twentieth of that.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog
from pydantic_core import from_json
from solana.rpc.jsonrpc import JsonRpcRequest, JsonRpcRequestSerializer, JsonRpcResponseEnvelope

log = structlog.get_logger(__name__)

CALLS_A_BATCH = 32
UNBATCHED_S = 60.0
# A batch is answered when its slowest call is: no call may hold up the others for longer than this.
BATCH_TIMEOUT_S = 3.0


@dataclass(frozen=True, slots=True)
class _Call:
    request: JsonRpcRequest
    answer: asyncio.Future[JsonRpcResponseEnvelope]


@dataclass(frozen=True, slots=True)
class _BatchRequest:
    calls: Sequence[_Call]

    def to_json(self) -> str:
        return f"[{','.join(call.request.to_json() for call in self.calls)}]"


class Batches:
    """Calls to one endpoint, sent by ``post``; what that raises, every call of the batch raises.

    A single call is sent as a plain request. Not every endpoint takes batches: after a batch that failed as a whole, or
    was not answered within ``BATCH_TIMEOUT_S`` seconds, calls are sent one by one for ``UNBATCHED_S`` seconds, so that
    a slow call holds up only itself.
    """

    def __init__(self, post: Callable[[JsonRpcRequestSerializer], Awaitable[str]]) -> None:
        self._post = post
        self._unbatched_until = 0.0
        self._waiting: dict[str, list[_Call]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def answer(self, request: JsonRpcRequest) -> JsonRpcResponseEnvelope:
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
            if len(calls) > 1:
                self._unbatched_until = time.monotonic() + UNBATCHED_S
                log.warning("a batch failed: calls go one by one", calls=len(calls), error=type(error).__name__)
            return
        for call in calls:
            if not call.answer.done():
                _set_answer(call, answers.get(call.request.id))

    async def _ask(self, calls: Sequence[_Call]) -> dict[object, object]:
        """What came for each request, by its id."""
        if len(calls) == 1:
            return {calls[0].request.id: from_json(await self._post(calls[0].request))}
        async with asyncio.timeout(BATCH_TIMEOUT_S):
            answers = from_json(await self._post(_BatchRequest(calls)))
        if not isinstance(answers, list):
            raise ValueError("a batch was not answered with a list")
        known = (item for item in answers if isinstance(item, dict) and isinstance(item.get("id"), int | str))
        return {answer["id"]: answer for answer in known}


def _set_answer(call: _Call, answer: object) -> None:
    try:
        call.answer.set_result(JsonRpcResponseEnvelope.model_validate(answer))
    except ValueError as error:
        call.answer.set_exception(error)
