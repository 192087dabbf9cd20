"""`surefill watch`: an order followed to its end."""

import sys
from contextlib import aclosing
from typing import Annotated

import typer
from rich.console import Console

from cli.client import PATIENCE, Client, with_client
from cli.orders import is_order_id
from cli.show import status_line
from runtime.errors import StartupError


def watch(order: Annotated[str, typer.Argument(help="The order's id, or your own clientOrderId.")]) -> None:
    """Follow an order to its end, from its first status on; exit code 1 unless it is confirmed."""
    with_client(lambda client: follow(client, order))


async def follow(client: Client, order: str) -> None:
    """Print each change of the order's status until a final one; raises StartupError unless that is `confirmed`."""
    console, status = Console(), ""
    # Closed here, where printing fails: the interpreter would do it later, and say so.
    async with aclosing(client.watch(order if is_order_id(order) else None, order, waits=_say)) as messages:
        async for message in messages:
            console.print(status_line(message), soft_wrap=True)
            status = message["status"]
    if status != "confirmed":
        raise StartupError(f"the order is {status}")


def _say(why: str) -> None:
    print(f"surefill: {why}; trying again for {PATIENCE:.0f} s", file=sys.stderr)
