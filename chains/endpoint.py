"""One RPC endpoint over solana-py: a call, a typed answer, and one exception for everything else that can happen."""

from __future__ import annotations

import asyncio
import logging
from functools import lru_cache
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import httpx2
from pydantic import TypeAdapter
from solana.exceptions import SolanaRpcException
from solana.rpc.async_http_provider import AsyncHTTPProvider
from solana.rpc.jsonrpc import (
    JsonRpcRequest,
    JsonRpcRequestSerializer,
    JsonRpcResponseEnvelope,
    SolanaJsonRpcError,
)

from chains.batches import Batches
from chains.errors import RpcError, UnansweredError

# httpx2 logs the URL of every request at INFO, and an endpoint's key is part of its URL.
logging.getLogger("httpx2").setLevel(logging.WARNING)

# Called once for each order, often for many orders at the same moment; the other methods serve all orders at once.
_BATCHED = frozenset({"simulateTransaction", "sendTransaction", "getTransaction"})


# Few, because httpx2 checks every idle connection at every request.
IDLE_CONNECTIONS = 8


class Endpoint:
    """A Solana RPC endpoint at ``url``, shown as ``name``: its host, without path or credentials.

    Calls go through solana-py's own JSON-RPC request and not its solders methods: those panic with a BaseException on
    some malformed answers, know no commitment for ``getBlocks``, and read no error variant newer than themselves.
    ``timeout`` is for a whole call, in seconds: httpx2's counts each read, so a dripping answer would never end.
    """

    def __init__(self, url: str, *, timeout: float = 10.0, connections: int = 64) -> None:
        self.name = _host(url)
        self._timeout = timeout
        self._ids = count(1)
        self._provider = AsyncHTTPProvider(
            url,
            timeout=timeout,
            max_connections=connections,
            max_keepalive_connections=IDLE_CONNECTIONS,
            keepalive_expiry=4,  # below the 5 s after which common servers close an idle connection
            http2=False,
            max_transport_retries=0,  # a retry would repeat a send, and double every time-out
        )
        self._batches = Batches(self._post)

    async def close(self) -> None:
        await self._batches.close()
        await self._provider.close()

    async def call(self, method: str, *params: object, shape: Any) -> Any:
        """The result of ``method`` as ``shape`` (a pydantic model or a plain type).

        Raises RpcError or UnansweredError.
        """
        request = JsonRpcRequest(id=next(self._ids), method=method, params=list(params))
        # Errors are raised without their cause: its text holds the URL, and with it the key.
        try:
            answer = await (self._batches.answer(request) if method in _BATCHED else self._send_single(request))
            return _reader(shape).validate_python(answer.unwrap_result(method=method))
        except SolanaJsonRpcError as error:
            raise RpcError(self.name, error.code, error.message) from None
        except SolanaRpcException as error:
            raise UnansweredError(self.name, _reason(error.__cause__)) from None
        except httpx2.InvalidURL:
            raise UnansweredError(self.name, "its URL can't be read") from None
        except TimeoutError:
            raise UnansweredError(self.name, "timeout") from None
        except ValueError:
            raise UnansweredError(self.name, f"{method} was answered in a form that can't be read") from None

    async def genesis_hash(self) -> str:
        return str(await self.call("getGenesisHash", shape=str))

    async def _send_single(self, request: JsonRpcRequest) -> JsonRpcResponseEnvelope:
        return JsonRpcResponseEnvelope.model_validate_json(await self._post(request))

    async def _post(self, request: JsonRpcRequestSerializer) -> str:
        async with asyncio.timeout(self._timeout):
            return await self._provider.make_request_unparsed(request)


# Making a TypeAdapter costs more than using it.
_reader = lru_cache(TypeAdapter)


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]


def _reason(cause: BaseException | None) -> str:
    if isinstance(cause, httpx2.TimeoutException):
        return "timeout"
    if isinstance(cause, httpx2.HTTPStatusError):
        return f"HTTP {cause.response.status_code}"
    return type(cause).__name__
