"""`surefill cancel`: orders shall end without a swap, with the reason kept in the log."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Annotated
from uuid import UUID

import typer

from cli.arguments import Because, not_empty
from cli.operator import account_named, operator, print_outcome
from cli.orders import is_order_id
from commands.cancel import cancel_order, cancel_outcome, order_of, request_cancel
from commands.errors import TooManyConflictsError
from commands.ids import order_id as id_of_order
from commands.loaded_order import LoadedOrder
from domain.directory import DEFAULT_NAME, account_id_of
from domain.errors import DomainError
from domain.printable import is_recordable
from domain.tokens import KNOWN_TOKENS
from event_store.errors import LogUnavailableError, OutcomeUnknownError
from projections.orders.queries import OrderList
from runtime import addresses, settings
from runtime.composition import Store, open_store, utc_now

LOOK_S = 0.2


def _named_order(text: str | None) -> str | None:
    """A name that isn't there cancels nothing: an empty one doesn't mean all."""
    if text is not None and not is_recordable(text):
        raise typer.BadParameter("it isn't UTF-8 text")
    return not_empty(text)


def cancel(
    because: Because,
    order: Annotated[
        str | None,
        typer.Argument(help="The order's id, or the client's own; or --all, or --pair.", callback=_named_order),
    ] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Whatever the account has open.")] = False,
    pair: Annotated[str | None, typer.Option(help="What the account has open on it, as SOL/USDC.")] = None,
    account: Annotated[str, typer.Option(help="Whose orders --all, --pair and a clientOrderId mean.")] = DEFAULT_NAME,
    wait: Annotated[int, typer.Option(min=0, max=3_600, help="Seconds to wait for what becomes of it.")] = 30,
) -> None:
    """Cancel an order: at once, or through the chain where a swap of it may still land; the first to land wins.

    With --all or --pair each open order of an account, without waiting for what goes to the chain.

    It needs a running engine, or DATABASE_URL and REDIS_URL.
    """
    if [order is not None, every, pair is not None].count(True) != 1:
        raise typer.BadParameter("one of an order's id, --all and --pair says which orders")
    work = _cancel(order, account, because, wait) if order is not None else _cancel_open(account, pair, because)
    print_outcome("cancel", work)


async def _cancel(order: str, account: str, because: str, wait: int) -> str:
    """Record the request and wait; a sentence that says what the order is then. Raises where it was too late."""
    found = addresses.completed(settings.load(), "database_url", "redis_url")
    async with open_store(found, "cancel") as store:
        order_id = UUID(order) if is_order_id(order) else await _order_of_client(store, account, order)
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


async def _order_of_client(store: Store, account: str, client_order_id: str) -> UUID:
    """Raises ``DomainError`` as ``account_named`` and ``order_of`` do."""
    account_id = await account_named(store, account)
    order_id = id_of_order(account_id, client_order_id)
    try:
        await order_of(store.orders, order_id, account_id)
    except DomainError as refused:
        if refused.code != "order_not_found":
            raise
        # Nobody knows it by the id that follows from the client's.
        detail = f"The account {account} has no order {client_order_id}."
        raise DomainError(refused.code, detail) from None
    return order_id


async def _cancel_open(account: str, pair: str | None, because: str) -> str:
    """Ask for the cancel of each open order; a sentence that says of how many, and what they are now."""
    on = None if pair is None else KNOWN_TOKENS.pair(pair)
    if pair is not None and on is None:
        raise DomainError("unknown_pair", f"There is no pair {pair} here; GET /api/pairs lists them.")
    found = addresses.completed(settings.load(), "database_url", "redis_url")
    counts: Counter[str] = Counter()
    async with open_store(found, "cancel") as store:
        await store.known_accounts.load()
        account_id = account_id_of(account)
        if account != DEFAULT_NAME and store.known_accounts.account(account_id) is None:
            raise DomainError("account_not_found", f"There is no account {account}.")
        open_orders = OrderList(store.pool).open
        twaps = await store.twaps.cancel_all(
            account_id, open_orders=open_orders, by=operator(), because=because, now=utc_now(), pair=on
        )
        # The slices of lists that were ended are being cancelled by the engine, too.
        were_open = set(twaps.were_open)
        for order_id in twaps.to_cancel(await open_orders(account_id)):
            try:
                order = (await order_of(store.orders, order_id)).order
                if order is None or on not in (None, order.pair) or (order.ended and order_id not in were_open):
                    continue
                history = await request_cancel(
                    store.orders, store.trading, order_id, by=operator(), because=because
                )  # fmt: skip
                counts[cancel_outcome(history.order or order)] += 1
            except DomainError as refused:
                if refused.code in ("log_behind", "account_unreadable"):
                    raise
                counts[refused.code] += 1
            except OutcomeUnknownError:
                counts["outcome_unknown"] += 1
            except (LogUnavailableError, TooManyConflictsError):
                counts["log_unavailable"] += 1
    again = "; repeat the command for those whose cancel isn't known to be recorded"
    pending = "; `surefill orders` shows what becomes of those that are pending" if counts["pending"] else ""
    lists = f"; {_number(len(twaps.ended), 'TWAP')} ended" if twaps.ended else ""
    if twaps.unreadable:
        lists += f"; lists that can't be read, and go on: {', '.join(map(str, twaps.unreadable))}"
    orders = _number(counts.total(), "order") + "".join(f", {count} {name}" for name, count in counts.items() if count)
    return orders + lists + pending + (again if counts["outcome_unknown"] or counts["log_unavailable"] else "")


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


async def _ended(store: Store, history: LoadedOrder) -> LoadedOrder:
    while history.order is not None and not history.order.ended:
        await asyncio.sleep(LOOK_S)
        history = (await store.orders.load([history.order_id])).orders[history.order_id]
    return history
