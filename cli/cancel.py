"""`surefill cancel`: an order shall end without a swap, with the reason kept in the log."""

from __future__ import annotations

import asyncio
from typing import Annotated
from uuid import UUID

import typer

from cli.arguments import Because
from cli.operator import operator, print_outcome
from commands.cancel import cancel_order
from commands.loaded_order import LoadedOrder
from domain.errors import DomainError
from runtime import addresses, settings
from runtime.composition import Store, open_store

LOOK_S = 0.2


def cancel(
    order: Annotated[UUID, typer.Argument(help="The order's id.")],
    because: Because,
    wait: Annotated[int, typer.Option(min=0, max=3_600, help="Seconds to wait for what becomes of it.")] = 30,
) -> None:
    """Cancel an order: at once, or through the chain where a swap of it may still land; the first to land wins."""
    print_outcome("cancel", _cancel(order, because, wait))


async def _cancel(order_id: UUID, because: str, wait: int) -> str:
    """Record the request and wait; a sentence that says what the order is then. Raises where it was too late."""
    found = addresses.completed(settings.load(), "database_url", "redis_url")
    async with open_store(found, "cancel") as store:
        history = await cancel_order(store.orders, store.trading, order_id, by=operator(), because=because)
        try:
            async with asyncio.timeout(wait):
                history = await _ended(store, history)
        except TimeoutError:
            return f"order {order_id}: the cancel is recorded and on its way; `surefill watch {order_id}` follows it"
    status = history.order.status if history.order else "gone"
    if status == "confirmed":
        raise DomainError("too_late", f"The swap of order {order_id} was faster: it is confirmed.")
    return f"order {order_id} is {status}"


async def _ended(store: Store, history: LoadedOrder) -> LoadedOrder:
    while history.order is not None and not history.order.ended:
        await asyncio.sleep(LOOK_S)
        history = (await store.orders.load([history.order_id])).orders[history.order_id]
    return history
