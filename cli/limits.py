"""`surefill accounts limits`: what an account may do at most."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.table import Table

from api.admin.limit_fields import Known, changes
from api.admin.limits import limits_view
from api.errors import ProblemError
from api.orders.document import Digits
from cli.console import table_console
from cli.directory import open_directory
from cli.operator import operator, run_command
from domain.errors import DomainError
from domain.limits import Limits
from domain.tokens import KNOWN_TOKENS
from runtime import program
from runtime.venue_names import VENUE_NAMES

NONE = "none"
_COUNTS = ("maxOpenOrders", "ordersPerMinute", "priceBandBps")
_LISTS = ("pairs", "venues")


def limits(
    name: Annotated[str, typer.Argument(help="The account's name.")],
    max_order_notional: Annotated[str | None, typer.Option(help="What an order may be worth, in USDC.")] = None,
    max_open_orders: Annotated[str | None, typer.Option(help="How many may be open at a time.")] = None,
    max_daily_notional: Annotated[str | None, typer.Option(help="What a day (UTC) may be worth, in USDC.")] = None,
    max_open_notional: Annotated[
        str | None, typer.Option(help="What all open orders may be worth together, in USDC.")
    ] = None,
    orders_per_minute: Annotated[str | None, typer.Option(help="In a moving window.")] = None,
    pairs: Annotated[str | None, typer.Option(help="These alone, as SOL/USDC,JUP/USDC.")] = None,
    venues: Annotated[str | None, typer.Option(help="These alone, as Orca,Raydium.")] = None,
    price_band_bps: Annotated[
        str | None, typer.Option(help="How far a price may be from the market's, in basis points.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show an account's limits, or set those that are given; `none` lifts one.

    The others stay as they are, and so do orders that were taken before.
    """
    given = {
        "maxOrderNotional": max_order_notional,
        "maxOpenOrders": max_open_orders,
        "maxDailyNotional": max_daily_notional,
        "maxOpenNotional": max_open_notional,
        "ordersPerMinute": orders_per_minute,
        "pairs": pairs,
        "venues": venues,
        "priceBandBps": price_band_bps,
    }

    def run() -> None:
        asked = {key: text for key, text in given.items() if text is not None}
        shown = limits_view(run_command(_set(name, asked))).model_dump(by_alias=True)
        print(json.dumps(shown)) if as_json else _show(shown)

    raise typer.Exit(program.guarded("accounts", run))


def _changes(given: Mapping[str, str]) -> dict[str, Any]:
    """Raises ``DomainError`` with the option at fault."""
    values = {name: None if text == NONE else _value(name, text) for name, text in given.items()}
    try:
        return changes(Known(KNOWN_TOKENS, VENUE_NAMES), values)
    except ProblemError as refused:
        raise DomainError(refused.code, refused.detail) from None


def _value(name: str, text: str) -> Any:
    """As JSON would have given it."""
    if name in _LISTS:
        return [one.strip() for one in text.split(",")]
    return Digits(text) if name in _COUNTS else text


async def _set(name: str, given: Mapping[str, str]) -> Limits:
    changed = _changes(given)  # before anything is started
    async with open_directory() as directory:
        account = directory.account(name)
        if not changed:
            return account.limits
        return await directory.commands.set_limits(account.account_id, changed, by=operator())


def _show(shown: Mapping[str, Any]) -> None:
    table = Table("limit", "at most", box=None, pad_edge=False)
    for name, value in shown.items():
        table.add_row(name, NONE if value is None else ", ".join(value) if isinstance(value, list) else str(value))
    table_console().print(table, soft_wrap=True)
