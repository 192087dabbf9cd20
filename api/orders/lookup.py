"""Find an order by what a client calls it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from uuid import UUID

from api.callers.caller import Caller
from api.errors import ProblemError
from api.problems import log_behind_for_all, unreadable
from api.services import Services
from domain.errors import DomainError
from domain.order_event import BaseOrderEvent
from domain.tokens import Pair
from event_store.types import RecordedEvent

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


def is_id(text: str) -> bool:
    """Whether it is an id as we write them, in either case."""
    return bool(_ID.fullmatch(text))


def parse_order_id(text: str) -> UUID:
    """An order id as we write them, in either case."""
    if not is_id(text):
        raise ProblemError(400, "invalid_order_id", "An order id looks like 0190f3a4-....", field="orderId")
    return UUID(text)


def pair_named(services: Services, text: str) -> Pair:
    """The pair of two tokens, as ``SOL/USDC`` or ``SOL-USDC``, whichever way round. Raises ``ProblemError``."""
    if (pair := services.config.tokens.pair(text)) is None:
        raise ProblemError(404, "unknown_pair", "There is no such pair here; GET /api/pairs lists them.", field="pair")
    return pair


async def stream_of(services: Services, caller: Caller, order_id: UUID) -> list[RecordedEvent]:
    """The events of the caller's order, as ``is_order_of`` knows it. Raises ``ProblemError`` where there is none."""
    recorded = await services.events.load(order_id)
    if not is_order_of(services, caller, recorded):
        raise not_found()
    return recorded


def is_order_of(services: Services, caller: Caller, recorded: Sequence[RecordedEvent]) -> bool:
    """Whether a stream is the caller's order, which may be damaged. Another account's order is as unknown as one that
    never was, and so is a stream of something else, as a TWAP's.
    """
    if not recorded or recorded[0].account_id != caller.account_id:
        return False
    return not services.mapper.is_anothers(recorded[0], BaseOrderEvent)


def not_found() -> ProblemError:
    return ProblemError(404, "order_not_found", "There is no such order.", field="orderId")


async def order_problem(services: Services, caller: Caller, refused: DomainError) -> Exception:
    """The answer to what a command on an order that is there refuses."""
    match refused.code:
        case "order_not_found":
            return not_found()
        case "order_unreadable":
            return unreadable()
        case "log_behind":
            return log_behind_for_all(await services.trading(caller.account_id))
        case _:
            return refused
