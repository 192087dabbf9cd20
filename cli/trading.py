"""`surefill trading`: halt, reduce and resume, for the engine, an account or a venue."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from cli.arguments import Because
from cli.operator import operator, print_outcome
from commands.halting import Scope
from commands.ids import DEFAULT_ACCOUNT
from domain.errors import DomainError
from domain.trading_state import TradingState
from projections.errors import ProjectionBehindError
from projections.orders.queries import OrderList
from runtime import addresses, settings
from runtime.composition import Store, open_store
from runtime.errors import StartupError
from runtime.halts import Halts

app = typer.Typer(
    help="What may be traded: halt it, let sells alone through, let all of it go on.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    add_completion=False,
    pretty_exceptions_enable=False,
)

AccountName = Annotated[str | None, typer.Option("--account", help="This account alone.")]
VenueName = Annotated[str | None, typer.Option("--venue", help="This venue alone, as GET /api/network names it.")]
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
    """Let trading go on. What a contradiction has halted `surefill resume` lets go on."""
    _run("active", account, venue, because, cancel_live=False)


def _run(state: TradingState, account: str | None, venue: str | None, because: str, *, cancel_live: bool) -> None:
    if account and venue:
        raise typer.BadParameter("name an account or a venue, not both")
    print_outcome("trading", _set(state, account, venue, because, cancel_live))


async def _set(state: TradingState, account: str | None, venue: str | None, because: str, cancel_live: bool) -> str:
    found = addresses.completed(settings.load(), "database_url", "redis_url")
    async with open_store(found, "trading") as store:
        scope = Scope(await _account(store, account) if account else None, venue)
        halts = Halts(store.halting, store.orders, store.trading, OrderList(store.pool, store.ask_for_hurry))
        try:
            cancelling = await halts.set(scope, state, by=operator(), because=because, cancel_live=cancel_live)
        except ProjectionBehindError:
            raise StartupError(
                "it is recorded, but which orders are in flight can't be told: is a projector running?"
            ) from None
        still = await store.trading.of(scope.account_id or DEFAULT_ACCOUNT)
        await store.notifier.said()
    what = f"account {account}" if account else f"venue {venue}" if venue else "the engine"
    said = f"{what} is {state}" + (f"; {cancelling} orders are being cancelled" if cancel_live else "")
    return f"{said}; but {still.why}" if state == "active" and still.state != "active" else said


async def _account(store: Store, name: str) -> UUID:
    await store.known_accounts.load()
    found = store.known_accounts.named(name)
    if found is None:
        raise DomainError("account_not_found", f"There is no account {name}; surefill accounts list shows them.")
    return found.account_id
