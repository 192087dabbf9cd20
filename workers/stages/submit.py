"""Submit: the first send of what the log holds. Whatever the endpoint answers, the tracker stays with it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from datetime import datetime

from chains.protocol import Chain
from commands.loaded_order import LoadedOrder
from commands.orders import OrderRepository
from domain.commands import OrderCommand, RecordSent
from domain.events import TransactionBuilt
from domain.order import Attempt, Order
from workers.dispatch.work import WorkTable
from workers.metrics import SENDS
from workers.stages.stage import StageRunner


class Submit(StageRunner):
    stage = "submit"

    def __init__(self, orders: OrderRepository, work: WorkTable, clock: Callable[[], datetime], chain: Chain) -> None:
        super().__init__(orders, work, clock)
        self._chain = chain

    def applies(self, order: Order) -> bool:
        return not order.ended and order.live_attempt is not None and not order.live_attempt.submitted

    async def work_on(self, histories: Sequence[LoadedOrder]) -> None:
        await self.each(
            [
                (one, self._send(one, one.order.live_attempt))
                for one in histories
                if one.order and one.order.live_attempt
            ]
        )

    async def _send(self, history: LoadedOrder, attempt: Attempt) -> OrderCommand:
        answer = await send(self._chain, signed_bytes(history, attempt.number))
        return RecordSent(attempt.number, attempt.signature, answer)


def signed_bytes(history: LoadedOrder, attempt: int) -> bytes:
    """The recorded transaction of ``attempt``; it is in the log before anyone may send it."""
    for event in reversed(history.events):
        if isinstance(event, TransactionBuilt) and event.attempt == attempt:
            return base64.b64decode(event.transaction)
    raise LookupError(f"order {history.order_id} has no attempt {attempt}")


async def send(chain: Chain, transaction: bytes) -> str:
    """Hand the bytes over once and count what was answered."""
    answer = await chain.send(transaction)
    SENDS.labels("accepted" if answer == "accepted" else "other").inc()
    return answer
