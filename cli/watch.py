"""`surefill watch`: an order followed to its end."""

from typing import Annotated

import typer
from rich.console import Console

from cli.client import Client, with_client
from cli.show import status_line
from runtime.errors import StartupError


def watch(order: Annotated[str, typer.Argument(help="The order's id.")]) -> None:
    """Follow an order to its end, from its first status on; exit code 1 unless it is confirmed."""
    with_client(lambda client: follow(client, order))


async def follow(client: Client, order_id: str) -> None:
    """Print each change of the order's status until a final one; raises StartupError unless that is `confirmed`."""
    console, status = Console(), ""
    async for message in client.watch(order_id):
        console.print(status_line(message), soft_wrap=True)
        status = message["status"]
    if status != "confirmed":
        raise StartupError(f"the order is {status}")
