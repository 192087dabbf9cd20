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
ALONE_S = 60.0
# A batch is answered when its slowest call is: for longer than this none holds up the others.
TOGETHER_S = 3.0


@dataclass(frozen=True, slots=True)
class _Call:
    request: JsonRpcRequest
    answer: asyncio.Future[JsonRpcResponseEnvelope]


@dataclass(frozen=True, slots=True)
class _Together:
    calls: Sequence[_Call]

    def to_json(self) -> str:
        return f"[{','.join(call.request.to_json() for call in self.calls)}]"


class Batches:
    """Calls to one endpoint, sent by ``post``; what that raises, every call of the batch raises.

    A call that is alone goes as itself. Not every endpoint takes batches: after one that failed as a whole, or was not
    answered within ``TOGETHER_S``, the calls go one by one for ``ALONE_S``; then the slow one holds up itself.
    """

    def __init__(self, post: Callable[[JsonRpcRequestSerializer], Awaitable[str]]) -> None:
        self._post = post
        self._alone_until = 0.0
        self._waiting: dict[str, list[_Call]] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    async def answer(self, request: JsonRpcRequest) -> JsonRpcResponseEnvelope:
        """The answer to this request; ValueError where there is none that can be read."""
        loop = asyncio.get_running_loop()
        call = _Call(request, loop.create_future())
        waiting = self._waiting.setdefault(request.method, [])
        waiting.append(call)
        if len(waiting) == 1:
            # Behind every task that is ready to run: whoever was woken together calls before the batch leaves.
            loop.call_soon(self._leave, request.method)
        return await call.answer

    async def close(self) -> None:
        """Give up what is under way."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _leave(self, method: str) -> None:
        calls = [call for call in self._waiting.pop(method) if not call.answer.done()]
        most = 1 if time.monotonic() < self._alone_until else CALLS_A_BATCH
        for first in range(0, len(calls), most):
            task = asyncio.create_task(self._send(calls[first : first + most]))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _send(self, calls: Sequence[_Call]) -> None:
        try:
            answers = await self._ask(calls)
        except asyncio.CancelledError:
            for call in calls:
                call.answer.cancel()
            raise
        except Exception as error:  # noqa: BLE001  # each caller's own to judge
            for call in calls:
                if not call.answer.done():
                    call.answer.set_exception(error)
            if len(calls) > 1:
                self._alone_until = time.monotonic() + ALONE_S
                log.warning("a batch failed: calls go one by one", calls=len(calls), error=type(error).__name__)
            return
        for call in calls:
            if not call.answer.done():
                _settle(call, answers.get(call.request.id))

    async def _ask(self, calls: Sequence[_Call]) -> dict[object, object]:
        """What came for each request, by its id."""
        if len(calls) == 1:
            return {calls[0].request.id: from_json(await self._post(calls[0].request))}
        async with asyncio.timeout(TOGETHER_S):
            answers = from_json(await self._post(_Together(calls)))
        if not isinstance(answers, list):
            raise ValueError("a batch was not answered with a list")  # of what came, not of a caller's
        known = (one for one in answers if isinstance(one, dict) and isinstance(one.get("id"), int | str))
        return {answer["id"]: answer for answer in known}


def _settle(call: _Call, answer: object) -> None:
    try:
        call.answer.set_result(JsonRpcResponseEnvelope.model_validate(answer))
    except ValueError as error:
        call.answer.set_exception(error)
