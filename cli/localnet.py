"""`surefill localnet`: run the local chain, move its prices, or let them follow a market outside."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from itertools import islice
from typing import Annotated

import typer

from chains.errors import ChainUnavailableError, WalletError
from chains.solana_client import SolanaChain
from chains.wallet import read_keypair
from cli.arguments import positive_decimal
from localnet.errors import PriceNotReachedError, UnknownPairError
from localnet.keys import MARKET_KEY
from localnet.market import price as prices
from localnet.market.follow import follow
from localnet.market.walk import outside_prices
from localnet.world import pair_named
from localnet.world import pairs as all_pairs
from runtime import addresses, program, settings
from runtime.errors import StartupError
from runtime.roles import entry

DECIMALS = 6
SIGNIFICANT = 6  # digits of a price too small for DECIMALS

app = typer.Typer(
    help="Run the local chain; with a command, ask it.",
    invoke_without_command=True,
    rich_markup_mode="markdown",
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def run_localnet(context: typer.Context) -> None:
    """Run the local chain on LOCALNET_HOST and LOCALNET_PORT; with a command, ask it."""
    if context.invoked_subcommand is None:
        entry.main("localnet")


@app.command("price")
def price_command(
    pair: Annotated[str, typer.Argument(help="Like SOL/USDC.")],
    price: Annotated[
        str | None, typer.Argument(help="Trade until every pool of the pair is within 1 bp of it.")
    ] = None,
) -> None:
    """Print a pair's price on the local chain; with PRICE, move it there first by real swaps from another wallet."""
    target = None if price is None else positive_decimal(price, what="a price", param_hint="PRICE")
    raise typer.Exit(program.guarded("localnet price", lambda: print(price_of(pair, target))))


@app.command("market")
def market_command(
    *,
    seed: Annotated[int, typer.Option(help="The same seed gives the same prices outside.")] = 1,
    volatility: Annotated[
        int, typer.Option(min=1, max=500, help="The standard size of a token's step, in basis points.")
    ] = 10,
    pairs: Annotated[str | None, typer.Option(help="Like SOL/USDC,JUP/USDC; every pair if not given.")] = None,
    interval: Annotated[int, typer.Option(min=50, max=60_000, help="Milliseconds between two steps.")] = 1000,
    minutes: Annotated[int | None, typer.Option(min=1, help="How long; until Ctrl-C or SIGTERM if not given.")] = None,
) -> None:
    """Let prices walk outside, and bring the local pools to them by real swaps from the market wallet.

    It goes on while the node is unreachable. One at a time: two, or a
    `localnet price` beside it, pull in two directions.
    """
    raise typer.Exit(program.guarded("localnet market", lambda: run_market(seed, volatility, pairs, interval, minutes)))


def price_of(pair: str, target: Decimal | None) -> str:
    """`SOL/USDC 150.000000`, after moving it to `target` where one is given; raises StartupError."""
    found = addresses.completed(settings.load(), "solana_rpc_url")

    async def priced() -> Decimal:
        if target is not None:
            await prices.move(found.solana_rpc_url, found.data_dir / "localnet" / MARKET_KEY, pair, target)
        return await prices.price(found.solana_rpc_url, pair)

    try:
        return f"{pair.upper()} {shown(asyncio.run(priced()))}"
    except (UnknownPairError, PriceNotReachedError, ChainUnavailableError, WalletError) as error:
        raise StartupError(str(error)) from None


def shown(value: Decimal) -> str:
    """Six decimals, or for a small price as many as show six significant digits."""
    places = max(DECIMALS, SIGNIFICANT - 1 - value.adjusted()) if value else DECIMALS
    return f"{value:.{places}f}"


def run_market(seed: int, volatility_bps: int, pairs: str | None, interval_ms: int, minutes: int | None) -> None:
    """`pairs` is comma separated, every pair where None; without `minutes` there is no end. Raises StartupError."""
    found = addresses.completed(settings.load(), "solana_rpc_url")
    try:
        named = [pair_named(name.strip()) for name in pairs.split(",")] if pairs else all_pairs()
        market = read_keypair(found.data_dir / "localnet" / MARKET_KEY)
    except (UnknownPairError, WalletError) as error:
        raise StartupError(str(error)) from None
    steps = outside_prices(seed, volatility_bps, list(dict.fromkeys(named)))

    async def followed() -> None:
        async with SolanaChain(found.solana_rpc_url) as chain:
            await follow(
                chain,
                market,
                steps if minutes is None else islice(steps, minutes * 60_000 // interval_ms),
                interval=interval_ms / 1000,
                say=lambda line: print(line, flush=True),
            )

    program.run_until_signalled(followed())
