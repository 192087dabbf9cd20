"""Sending what the log holds. No answer to a send proves anything: the tracker follows whatever was recorded."""

from __future__ import annotations

import base64

from chains.protocol import Chain
from commands.loaded_order import LoadedOrder
from domain.events import TransactionBuilt
from workers.metrics import SENDS


def signed_bytes(loaded: LoadedOrder, attempt: int) -> bytes:
    """The recorded transaction of ``attempt``; it is in the log before anyone may send it."""
    for event in reversed(loaded.events):
        if isinstance(event, TransactionBuilt) and event.attempt == attempt:
            return base64.b64decode(event.transaction)
    raise LookupError(f"order {loaded.order_id} has no attempt {attempt}")


async def send(chain: Chain, transaction: bytes) -> str:
    """Hand the bytes over once and count what was answered."""
    answer = await chain.send(transaction)
    SENDS.labels("accepted" if answer == "accepted" else "other").inc()
    return answer
