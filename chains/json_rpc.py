"""JSON-RPC 2.0 as bytes: requests going out, and what came for each, its result not read yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
import orjson


@dataclass(frozen=True, slots=True)
class Request:
    """A call; ``params`` are positional."""

    id: int
    method: str
    params: Sequence[object]


class Failure(msgspec.Struct, frozen=True):
    """A JSON-RPC error; its ``data`` is never read."""

    code: int
    message: str


class Answer(msgspec.Struct, frozen=True):
    """The answer to the request ``id``: exactly one of ``result``, still JSON, and ``error``."""

    jsonrpc: Literal["2.0"]
    id: int | str
    result: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    error: Failure | None = None

    def __post_init__(self) -> None:
        if (self.result is msgspec.UNSET) == (self.error is None):
            raise ValueError("an answer has either a result or an error")


_answer = msgspec.json.Decoder(Answer)
_answers = msgspec.json.Decoder(list[Answer])
_items = msgspec.json.Decoder(list[msgspec.Raw])


def encode(request: Request) -> bytes:
    return orjson.dumps(_object(request))


def encode_batch(requests: Sequence[Request]) -> bytes:
    return orjson.dumps([_object(request) for request in requests])


def decode(body: bytes) -> Answer:
    """Raises ``ValueError``, or ``RecursionError``, where ``body`` is no answer."""
    return _answer.decode(body)


def decode_batch(body: bytes) -> dict[int | str, Answer]:
    """The answers of a batch, by their ids; what among them is none is left out. Raises as ``decode``."""
    try:
        return {answer.id: answer for answer in _answers.decode(body)}
    except (ValueError, RecursionError):
        pass  # One of them is none, or all that came.
    found = {}
    for item in _items.decode(body):
        try:
            answer = _answer.decode(item)
        except (ValueError, RecursionError):
            continue
        found[answer.id] = answer
    return found


def _object(request: Request) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": request.id, "method": request.method, "params": request.params}
