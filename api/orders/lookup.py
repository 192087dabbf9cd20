"""Find an order by what a client calls it."""

from __future__ import annotations

import re
from uuid import UUID

from api.callers.caller import Caller
from api.errors import ProblemError
from api.services import Services
from event_store.types import RecordedEvent

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


def parse_order_id(text: str) -> UUID:
    """An order id as we write them, in either case."""
    if not _ID.fullmatch(text):
        raise ProblemError(400, "invalid_order_id", "An order id looks like 0190f3a4-....", field="orderId")
    return UUID(text)


async def stream_of(services: Services, caller: Caller, order_id: UUID) -> list[RecordedEvent]:
    """The events of the caller's order. Another account's order is as unknown as one that never was."""
    recorded = await services.events.load(order_id)
    if not recorded or recorded[0].account_id != caller.account_id:
        raise ProblemError(404, "order_not_found", "There is no such order.", field="orderId")
    return recorded
