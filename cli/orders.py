"""`surefill orders` and `surefill show`: orders by the engine's own API."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Annotated, Any, get_args

import typer
from rich.table import Table

from cli.client import Client, with_client
from cli.console import table_console
from cli.show import STYLES
from domain.events import Status
from domain.terms import OrderType
from domain.tokens import Side

AsJson = Annotated[bool, typer.Option("--json", help="As the API answers.")]
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_SHOWN = ("orderId", "clientOrderId", "status", "type", "side", "pair", "amountIn", "executedPrice", "submittedAt")


def _one_of(words: tuple[str, ...], what: str) -> Callable[[str | None], str | None]:
    def read(text: str | None) -> str | None:
        if text is not None and text not in words:
            raise typer.BadParameter(f"there is no {what} {text}; there are {', '.join(words)}")
        return text

    return read


def _option(words: tuple[str, ...], what: str, said: str = "") -> Any:
    """One of ``words``: a wrong one is refused with those that there are."""
    return typer.Option(f"--{what}", help=said or f"One of {', '.join(words)}.", callback=_one_of(words, what))


OneStatus = Annotated[str | None, _option(get_args(Status), "status")]
OneType = Annotated[str | None, _option(get_args(OrderType), "type")]
OneSide = Annotated[str | None, _option(get_args(Side), "side", "buy or sell; with --pair.")]
OldestFirst = Annotated[bool, typer.Option("--oldest-first", help="Oldest first; newest first if not given.")]


def orders(
    *,
    status: OneStatus = None,
    pair: Annotated[str | None, typer.Option(help="Like SOL/USDC.")] = None,
    side: OneSide = None,
    kind: OneType = None,
    since: Annotated[str | None, typer.Option(help="Submitted then or later, as 2026-01-01T00:00:00Z.")] = None,
    until: Annotated[str | None, typer.Option(help="Submitted before.")] = None,
    oldest_first: OldestFirst = False,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many at most.")] = 20,
    cursor: Annotated[str | None, typer.Option(help="The `--cursor` printed by the previous page.")] = None,
    as_json: AsJson = False,
) -> None:
    """List orders of the account that API_KEY acts for: the default one, on this machine, without a key."""
    asked = {"status": status, "pair": pair, "side": side, "type": kind, "since": since, "until": until}
    query: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    query |= {"limit": limit, "sort": "submittedAt" if oldest_first else "-submittedAt"}
    query |= {"cursor": cursor} if cursor else {}

    async def run(client: Client) -> None:
        page = await client.list_orders(query)
        if as_json:
            print(json.dumps(page))
            return
        table = Table(box=None, pad_edge=False)
        for name in _SHOWN:
            table.add_column(name, min_width=36 if name == "orderId" else None)
        for order in page["items"]:
            table.add_row(*(_cell(order, name) for name in _SHOWN), style=STYLES.get(order["status"]))
        console = table_console()
        console.print(table, soft_wrap=True)
        if page["next"]:
            console.print(f"more: --cursor {page['next']}", soft_wrap=True, markup=False, highlight=False)

    with_client(run)


def _cell(order: dict[str, Any], name: str) -> str:
    if name == "amountIn" and "amountOut" in order:
        return f"for {order['amountOut']} {order['tokenOut']}"
    return str(order.get(name, ""))


def is_order_id(text: str) -> bool:
    """Whether it is one of ours, not a client's own."""
    return _ID.fullmatch(text) is not None


def show(
    order: Annotated[str, typer.Argument(help="The order's id, or your own clientOrderId.")], as_json: AsJson = False
) -> None:
    """Show one order as it is now."""

    async def run(client: Client) -> None:
        found = await client.order(order if is_order_id(order) else None, order)
        print(json.dumps(found) if as_json else json.dumps(found, indent=2))

    with_client(run)
