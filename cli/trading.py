"""`surefill trading`: halt, reduce and resume, for the engine, an account or a venue."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.arguments import Because, not_empty
from cli.operator import account_named, operator, print_outcome
from commands.halting import Scope
from commands.ids import DEFAULT_ACCOUNT
from domain.directory import DEFAULT_NAME
from domain.trading_state import AccountTrading, TradingState
from projections.errors import ProjectionBehindError
from projections.orders.queries import OrderList
from runtime import addresses, settings
from runtime.composition import open_store
from runtime.errors import StartupError
from runtime.halts import Halts
from runtime.log_behind import RECOVER
from runtime.venue_names import VENUE_NAMES, venue_named

app = typer.Typer(
    help="What may be traded: halt it, let sells alone through, let all of it go on.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    add_completion=False,
    pretty_exceptions_enable=False,
)

AccountName = Annotated[str | None, typer.Option("--account", help="This account alone.", callback=not_empty)]
VenueName = Annotated[
    str | None,
    typer.Option("--venue", help="This venue alone, as GET /api/network names it.", callback=not_empty),
]
CancelLive = Annotated[bool, typer.Option("--cancel-live", help="Cancel, by the chain, what is in flight.")]


@app.command()
def halt(
    because: Because, account: AccountName = None, venue: VenueName = None, cancel_live: CancelLive = False
) -> None:
    """Build no swap from here on. Orders that are taken wait, and no others are taken; without a scope: the engine."""
    _run("halted", account, venue, because, cancel_live=cancel_live)


@app.command()
def reduce(
    because: Because, account: AccountName = None, venue: VenueName = None, cancel_live: CancelLive = False
) -> None:
    """Build sells alone, which turn a base token into its quote. Buys wait, and no others are taken."""
    _run("reducing", account, venue, because, cancel_live=cancel_live)


@app.command()
def resume(because: Because, account: AccountName = None, venue: VenueName = None) -> None:
    """Let trading go on. What a contradiction has halted `surefill resume --account NAME` lets go on."""
    _run("active", account, venue, because, cancel_live=False)


def _run(state: TradingState, account: str | None, venue: str | None, because: str, *, cancel_live: bool) -> None:
    if account is not None and venue is not None:
        raise typer.BadParameter("name an account or a venue, not both")
    if venue is not None and state != "active":
        venue = _known_venue(venue)
    print_outcome("trading", _set(state, account, venue, because, cancel_live))


async def _set(state: TradingState, account: str | None, venue: str | None, because: str, cancel_live: bool) -> str:
    found = addresses.completed(settings.load(), "database_url", "redis_url")
    async with open_store(found, "trading") as store:
        scope = Scope(await account_named(store, account) if account is not None else None, venue)
        halts = Halts(store.halting, store.orders, store.trading, OrderList(store.pool, store.ask_for_hurry))
        try:
            cancelling = await halts.set(scope, state, by=operator(), because=because, cancel_live=cancel_live)
        except ProjectionBehindError:
            raise StartupError(
                "it is recorded, but which orders are in flight can't be told: is a projector running?"
            ) from None
        still = await store.trading.of(scope.account_id or DEFAULT_ACCOUNT)
        await store.notifier.said()
    what = "the engine" if venue is None else f"venue {venue}"
    if account is not None:
        what = f"account {account}"
    said = f"{what} is {state}" + (f"; {cancelling} orders are being cancelled" if cancel_live else "")
    if state != "active" or still.state == "active":
        return said
    return f"{said}; but {still.why}{_remedy(still, account or DEFAULT_NAME)}"


def _known_venue(name: str) -> str:
    """A halt of a venue that isn't there would halt nothing. What was recorded is lifted by whatever name it has."""
    if (found := venue_named(name)) is None:
        raise typer.BadParameter(f"there is no venue {name}; there are {', '.join(VENUE_NAMES)}", param_hint="--venue")
    return found


def _remedy(still: AccountTrading, account: str) -> str:
    """What lifts a halt of the engine's own."""
    if still.reason is None:
        return ""
    if still.unreadable:
        return "; surefill verify names the event that can't be read"
    before = f"{RECOVER}, then " if still.behind else ""
    named = "" if still.behind or account == DEFAULT_NAME else f" --account {account}"
    return f"; {before}surefill resume{named} --because TEXT lets trading go on"
