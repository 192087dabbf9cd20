"""`surefill submit`: an order by the engine's own API."""

import json
from typing import Annotated

import typer

from cli.client import Client, with_client
from cli.watch import follow


def submit(
    *,
    token_in: Annotated[str, typer.Option(help="Symbol or mint of what is sold.")],
    token_out: Annotated[str, typer.Option(help="Symbol or mint of what is bought.")],
    amount: Annotated[str, typer.Option(help="How much of --token-in, in whole tokens: 1.5")],
    slippage_bps: Annotated[
        int | None, typer.Option(help="Basis points the price may slip; the engine's default if not given.")
    ] = None,
    limit_price: Annotated[
        str | None, typer.Option(help="Wait for this price, quote per base, and never execute worse: a limit order.")
    ] = None,
    stop_price: Annotated[
        str | None, typer.Option(help="Wait for this price before the limit counts: a stop-limit order.")
    ] = None,
    client_order_id: Annotated[
        str | None, typer.Option(help="Your own id: repeating it never makes a second order.")
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Follow it to its end; exit code 1 unless it is confirmed.")
    ] = False,
) -> None:
    """Submit an order and print the engine's answer as JSON: market, or limit and stop-limit by the prices given."""
    kind = "stop-limit" if stop_price is not None else "limit" if limit_price is not None else "market"
    given = {
        "tokenIn": token_in,
        "tokenOut": token_out,
        "amountIn": amount,
        "type": kind,
        "slippageBps": slippage_bps,
        "limitPrice": limit_price,
        "stopPrice": stop_price,
        "clientOrderId": client_order_id,
    }
    order = {name: value for name, value in given.items() if value is not None}

    async def run(client: Client) -> None:
        answer = await client.submit(order)
        print(json.dumps(answer, indent=2))
        if watch:
            await follow(client, answer["orderId"])

    with_client(run)
