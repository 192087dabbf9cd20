"""The commands that run one role in this process; `surefill localnet` is in a file of its own."""

from typing import Annotated

import typer

from runtime import roles
from runtime.roles import entry


def migrate() -> None:
    """Bring the database to this version's schema, as DATABASE_OWNER_URL; safe to run again."""
    entry.main("migrate")


def run(
    names: Annotated[
        str, typer.Argument(metavar="ROLES", help="Like api,worker; core is all: api,worker,projector,tracker,watcher.")
    ],
) -> None:
    """Run several roles in this process; each leased one stands by where another process has its lease."""
    try:
        chosen = roles.named(names)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="ROLES") from None
    entry.main(*chosen)


def api() -> None:
    """Serve REST, WebSocket and metrics on HOST and PORT."""
    entry.main("api")


def worker() -> None:
    """Execute orders: quote, build, sign, send."""
    entry.main("worker")


def projector() -> None:
    """Keep the read models, and hand over what is due. One at a time; a second stands by."""
    entry.main("projector")


def tracker() -> None:
    """Stay with every transaction until the chain says what became of it. One at a time; a second stands by."""
    entry.main("tracker")


def watcher() -> None:
    """Observe prices and fire the orders that wait for them. One at a time; a second stands by."""
    entry.main("watcher")
