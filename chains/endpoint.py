"""One RPC endpoint: a call, a typed answer, and one exception for everything else that can happen."""

from __future__ import annotations

from itertools import count
from typing import Any
from urllib.parse import urlsplit

import msgspec

from chains import json_rpc
from chains.answers import reader
from chains.batches import Batches
from chains.errors import RpcError, UnansweredError
from chains.transport import Transport, TransportError
from domain.secret_words import SecretWords

# Called once for each order, often for many orders at the same moment; the other methods serve all orders at once.
_BATCHED = frozenset(
    {"simulateTransaction", "sendTransaction", "getTransaction", "getSignatureStatuses", "isBlockhashValid"}
)


class Endpoint:
    """A Solana RPC endpoint at ``url``, shown as ``name``: its host, without path or credentials. An error of its is
    raised without them, too: some say back the key that they refuse.

    ``timeout`` is for a whole call, in seconds; ``connections`` is how many requests are under way at once. Without
    ``batches`` each call is a request of its own.
    """

    def __init__(self, url: str, *, timeout: float = 10.0, connections: int = 64, batches: bool = True) -> None:
        self.name = _host(url)
        self._secrets = SecretWords(urls=[url])
        self._timeout = timeout
        self._ids = count(1)
        self._transport = Transport(url, connections=connections)
        self._batches = Batches(self._post)
        self._batched = _BATCHED if batches else frozenset()

    async def close(self) -> None:
        await self._batches.close()
        await self._transport.close()

    async def call(self, method: str, *params: object, shape: Any) -> Any:
        """The result of ``method`` as ``shape`` (one of ``chains.answers`` or a plain type).

        Raises RpcError or UnansweredError.
        """
        request = json_rpc.Request(next(self._ids), method, params)
        # Errors are raised without their cause: an endpoint's key or signed bytes may be in its text.
        try:
            answer = await (self._batches.answer(request) if method in self._batched else self._send_single(request))
            if answer.error is not None:
                raise RpcError(self.name, answer.error.code, self._secrets.struck(answer.error.message))
            if answer.id != request.id or answer.result is msgspec.UNSET:
                raise ValueError("it is the answer to another request")
            return reader(shape).decode(answer.result)
        except TransportError as error:
            raise UnansweredError(self.name, str(error)) from None
        except TimeoutError:
            raise UnansweredError(self.name, "timeout") from None
        except (ValueError, RecursionError):
            raise UnansweredError(self.name, f"{method} was answered in a form that can't be read") from None

    async def genesis_hash(self) -> str:
        return str(await self.call("getGenesisHash", shape=str))

    async def _send_single(self, request: json_rpc.Request) -> json_rpc.Answer:
        return json_rpc.decode(await self._post(json_rpc.encode(request)))

    async def _post(self, body: bytes) -> bytes:
        return await self._transport.post(body, within=self._timeout)


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]
