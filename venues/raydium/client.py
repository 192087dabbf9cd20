"""Raydium's Trade API: a quote, and whole transactions that take it."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from solders.message import Message, MessageV0
from solders.transaction import VersionedTransaction

from domain.codes import Code
from venues.errors import ServiceIllError, VenueError
from venues.remote.answers import Answer, Units, reader, short
from venues.remote.service import Reply, Service

_SWAP_TYPES = {"in": "BaseIn", "out": "BaseOut"}
"""What quotes for an exact amount in, and out, call themselves."""


class RouteStep(Answer, frozen=True):
    pool_id: str


class ComputeData(Answer, frozen=True):
    swap_type: str
    input_mint: str
    input_amount: Units
    output_mint: str
    output_amount: Units
    route_plan: list[RouteStep]


class _Envelope(Answer, frozen=True):
    """A failure is a 200, too: ``success`` tells."""

    success: bool
    msg: str | None = None
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Transaction(Answer, frozen=True):
    transaction: str


@dataclass(frozen=True, slots=True)
class Computed:
    """A quote: ``answer`` is the whole document as it came, which goes back untouched, unknown fields too."""

    data: ComputeData
    answer: msgspec.Raw


async def compute(service: Service, *, token_in: str, token_out: str, amount_in: int) -> Computed:
    """An exact amount in. Raises ``VenueError``. The slippage is ours to hold: none is asked for here."""
    return await _computed(service, "in", token_in, token_out, amount_in)


async def compute_exact_out(service: Service, *, token_in: str, token_out: str, amount_out: int) -> Computed:
    """An exact amount out: ``input_amount`` is what it takes now, in base units. Raises ``VenueError``."""
    return await _computed(service, "out", token_in, token_out, amount_out)


async def _computed(
    service: Service, exact: Literal["in", "out"], token_in: str, token_out: str, amount: int
) -> Computed:
    query = {
        "inputMint": token_in,
        "outputMint": token_out,
        "amount": str(amount),
        "slippageBps": "0",
        "txVersion": "V0",
    }

    def read(body: bytes) -> Computed:
        found: ComputeData = _data(body, ComputeData)
        if (found.input_mint, found.output_mint) != (token_in, token_out):
            raise ValueError("its quote is for other tokens than were asked for")
        if found.swap_type != _SWAP_TYPES[exact]:
            raise ValueError(f"its quote isn't for an exact amount {exact}")
        if amount != (found.input_amount if exact == "in" else found.output_amount):
            raise ValueError("its quote is for another amount than was asked for")
        return Computed(found, msgspec.Raw(body))

    return await service.get(f"/compute/swap-base-{exact}", query, read)


async def transactions(
    service: Service, computed: Computed, *, wallet: str, source: str, destination: str | None
) -> list[Message | MessageV0]:
    """The messages of the transactions that take the quote, in their order; raises ``VenueError``.

    ``destination`` is None where the account isn't there yet, and is made by the transaction.
    """
    asked: dict[str, Any] = {
        "computeUnitPriceMicroLamports": "0",
        "swapResponse": computed.answer,
        "txVersion": "V0",
        "wallet": wallet,
        "wrapSol": False,
        "unwrapSol": False,
        "inputAccount": source,
    }
    if destination is not None:
        asked["outputAccount"] = destination
    exact = next(word for word, swap_type in _SWAP_TYPES.items() if swap_type == computed.data.swap_type)
    return await service.post(f"/transaction/swap-base-{exact}", msgspec.json.encode(asked), _messages)


def _messages(body: bytes) -> list[Message | MessageV0]:
    # Documented as a list and, on another page, as one object.
    found = _data(body, list[_Transaction] | _Transaction)
    texts = [one.transaction for one in (found if isinstance(found, list) else [found])]
    messages = [VersionedTransaction.from_bytes(b64decode(text, validate=True)).message for text in texts]
    read = [message for message in messages if isinstance(message, Message | MessageV0)]
    if not read or len(read) != len(messages):
        raise ValueError("it gave no transaction, or one of an unknown version")
    return read


def _data(body: bytes, shape: Any) -> Any:
    envelope: _Envelope = reader(_Envelope).decode(body)
    if not envelope.success:
        raise _failed(envelope.msg or "")
    if envelope.data is msgspec.UNSET:
        raise ValueError("success without data")
    return reader(shape).decode(envelope.data)


# No code is final for what a venue says of our wallet: what that holds the chain alone tells.
_NO_ROUTE = ("ROUTE_NOT_FOUND", "NO_ROUTE", "LIQUIDITY")
# What begins so is about one request: an amount, an account of one wallet.
_OF_THE_REQUEST = "REQ_"
# Its words aren't documented: these can't be said of one request. Any other may be, and one order mustn't shut out all.
_ILL = (
    "INTERNAL_ERROR",
    "SERVER_ERROR",
    "SERVICE_UNAVAILABLE",
    "TEMPORARILY_UNAVAILABLE",
    "MAINTENANCE",
    "OVERLOADED",
    "TIMEOUT",
    "TIMED_OUT",
)


def _failed(said: str) -> VenueError:
    detail = f"Raydium: {short(said) or 'refused'}"
    word = "_".join(said.upper().split())
    if any(known in word for known in _NO_ROUTE):
        return VenueError(Code.NO_LIQUIDITY, detail)
    if not word.startswith(_OF_THE_REQUEST) and any(known in word for known in _ILL):
        return ServiceIllError(Code.VENUE_UNAVAILABLE, detail)
    return VenueError(Code.VENUE_UNAVAILABLE, detail)


def refused(reply: Reply) -> VenueError:
    """What an answer that isn't 200 means."""
    detail = f"Raydium: HTTP {reply.status} {short(reply.body[:200].decode(errors='replace'))}".rstrip()
    if reply.status == 429:
        return VenueError(Code.VENUE_RATE_LIMITED, detail)
    if reply.status in (401, 403):
        return VenueError(Code.VENUE_UNAUTHORIZED, detail)
    return VenueError(Code.VENUE_UNAVAILABLE, detail)
