"""Jupiter's ``/swap/v2/build``: a quote and the instructions that take it, in one call."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import msgspec

from domain.codes import Code
from venues.errors import VenueError
from venues.remote.answers import Answer, Instruction, Units, reader, short
from venues.remote.service import Reply, Service


class SwapInfo(Answer, frozen=True):
    amm_key: str
    label: str


class RouteStep(Answer, frozen=True):
    swap_info: SwapInfo


class Build(Answer, frozen=True):
    """The fields that are used; the blockhash isn't, which is from Jupiter's node, where ours can't be checked."""

    input_mint: str
    output_mint: str
    in_amount: Units
    out_amount: Units
    route_plan: list[RouteStep]
    compute_budget_instructions: list[Instruction]
    setup_instructions: list[Instruction]
    swap_instruction: Instruction
    other_instructions: list[Instruction]
    cleanup_instruction: Instruction | None = None
    tip_instruction: Instruction | None = None
    addresses_by_lookup_table_address: dict[str, list[str]] | None = None


class _Problem(Answer, frozen=True):
    error: str = ""


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """``labels`` are the programs a route may use, none being all; ``max_accounts`` bounds the route's accounts."""

    token_in: str
    token_out: str
    amount_in: int
    taker: str
    labels: tuple[str, ...] = ()
    max_accounts: int | None = None


async def build(service: Service, request: BuildRequest) -> Build:
    """Raises ``VenueError``. SOL is swapped wrapped, from and to token accounts, as at every other venue here."""
    query = {
        "inputMint": request.token_in,
        "outputMint": request.token_out,
        "amount": str(request.amount_in),
        "taker": request.taker,
        "wrapAndUnwrapSol": "false",
    }
    if request.labels:
        query["dexes"] = ",".join(request.labels)
    if request.max_accounts is not None:
        query["maxAccounts"] = str(request.max_accounts)
    return await service.get("/build", query, partial(_built, request))


def _built(request: BuildRequest, body: bytes) -> Build:
    found: Build = reader(Build).decode(body)
    asked = (request.token_in, request.token_out, request.amount_in)
    if (found.input_mint, found.output_mint, found.in_amount) != asked:
        raise ValueError("its quote is for another swap than was asked for")
    return found


# Jupiter's own words for there being no way, in a 400.
_NO_ROUTE = ("no route", "could_not_find_any_route", "could not find any route")
_NOT_TRADED = ("not tradable", "token_not_tradable")


def refused(reply: Reply) -> VenueError:
    """What an answer that isn't 200 means."""
    try:
        said = msgspec.json.decode(reply.body, type=_Problem).error
    except (ValueError, RecursionError):
        said = reply.body[:200].decode(errors="replace")
    detail = f"Jupiter: HTTP {reply.status} {short(said)}".rstrip()
    match reply.status:
        case 401 | 403:
            return VenueError(Code.VENUE_UNAUTHORIZED, detail)
        case 429:
            return VenueError(Code.VENUE_RATE_LIMITED, detail)
        case 400 if any(word in said.lower() for word in _NOT_TRADED):
            return VenueError(Code.NO_VENUE, detail)
        case 400 if any(word in said.lower() for word in _NO_ROUTE):
            return VenueError(Code.NO_LIQUIDITY, detail)
    return VenueError(Code.VENUE_UNAVAILABLE, detail)
