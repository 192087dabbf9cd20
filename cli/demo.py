"""The first order of a new engine, by the same door as everybody's: REST in, WebSocket out."""

from rich.console import Console

from cli.client import Client
from cli.errors import RefusedError, UnreachableError
from cli.show import accepted_line, status_line

FIRST_ORDER = {
    "tokenIn": "SOL",
    "tokenOut": "USDC",
    "amountIn": "1.5",
    "type": "market",
    "clientOrderId": "first-order",
}
PAGE = 200


async def first_order(api_url: str, console: Console, key: str = "") -> None:
    """Carry it through if the engine has no orders yet, else say how many it has. A failing demo is shown and ends
    nothing.
    """
    try:
        async with Client(api_url, key) as client:
            known = await client.orders(PAGE)
            if known["items"]:
                count = f"{'more than ' if known['next'] else ''}{len(known['items'])}"
                console.print(f"orders from before: {count}, at {api_url}/api/orders")
                return
            answer = await client.submit(FIRST_ORDER)
            console.print(accepted_line(answer))
            async for message in client.watch(answer["orderId"]):
                console.print(status_line(message), soft_wrap=True)
    except (RefusedError, UnreachableError) as error:
        console.print(f"the first order could not be carried through: {error}", style="red", markup=False)
