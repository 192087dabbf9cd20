"""`surefill amend`: other terms for an order that waits, by the engine's own API."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from cli.client import Client, with_client
from cli.orders import is_order_id


def amend(
    order: Annotated[str, typer.Argument(help="The order's id, or your own clientOrderId.")],
    *,
    limit_price: Annotated[str | None, typer.Option(help="Quote tokens for one base token of the pair.")] = None,
    stop_price: Annotated[str | None, typer.Option(help="The same; until the stop is reached.")] = None,
    amount_in: Annotated[str | None, typer.Option("--amount-in", "--amount", help="Token units.")] = None,
    amount_out: Annotated[str | None, typer.Option(help="Token units, of an order that names what it gets.")] = None,
    slippage_bps: Annotated[int | None, typer.Option(help="In basis points.")] = None,
    expires_at: Annotated[str | None, typer.Option(help="Of a gtd order, as 2030-01-01T00:00:00Z.")] = None,
    version: Annotated[int | None, typer.Option(min=1, help="As you have seen it; as it is now, if not given.")] = None,
) -> None:
    """Amend an order that waits and print it as JSON; it keeps its place where only its amount falls."""
    asked = {
        "limitPrice": limit_price,
        "stopPrice": stop_price,
        "amountIn": amount_in,
        "amountOut": amount_out,
        "slippageBps": slippage_bps,
        "expiresAt": expires_at,
    }
    terms: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    if not terms:
        raise typer.BadParameter(
            "say what changes: --limit-price, --stop-price, --amount-in, --amount-out, --slippage-bps, --expires-at"
        )

    async def run(client: Client) -> None:
        seen = await client.order(order if is_order_id(order) else None, order)
        print(json.dumps(await client.amend(seen["orderId"], version or seen["version"], terms), indent=2))

    with_client(run)
