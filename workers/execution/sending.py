"""Sending what the log holds. No answer to a send proves anything: the tracker follows whatever was recorded."""

from __future__ import annotations

import base64

from chains.protocol import Chain
from commands.loaded_order import LoadedOrder
from domain.events import TransactionBuilt
from workers.metrics import SENDS


def recorded_attempt(loaded: LoadedOrder, attempt: int) -> TransactionBuilt:
    """The event that recorded ``attempt``; it is in the log before anyone may send its transaction."""
    for event in reversed(loaded.events):
        if isinstance(event, TransactionBuilt) and event.attempt == attempt:
            return event
    raise LookupError(f"order {loaded.order_id} has no attempt {attempt}")


def signed_bytes(loaded: LoadedOrder, attempt: int) -> bytes:
    """The recorded transaction of ``attempt``, as it is sent."""
    return base64.b64decode(recorded_attempt(loaded, attempt).transaction)


async def send(chain: Chain, transaction: bytes) -> str:
    """Hand the bytes over once and count what was answered."""
    answer = await chain.send(transaction)
    SENDS.labels("accepted" if answer == "accepted" else "other").inc()
    return answer
