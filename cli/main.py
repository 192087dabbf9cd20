"""The `surefill` command."""

import asyncio
import json
from contextlib import suppress
from typing import Annotated, Any

import typer

from cli import dead_letters as cli_dead_letters
from cli import operator as cli_operator
from cli.arguments import positive_decimal
from runtime import roles
from runtime.errors import StartupError

EXIT_CODES = "Exit codes: 0 done, 1 failed (one sentence on stderr says why), 2 a wrong argument or setting."

HELP = f"""An event-sourced order execution engine for token swaps.

`surefill up` runs all of it; `surefill submit` and `surefill watch` use it. Settings come from the environment and
`.env`; docs/settings.md lists them.

{EXIT_CODES}
"""

app = typer.Typer(
    name="surefill",
    help=HELP,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # its tracebacks show local variables: addresses with passwords
    rich_markup_mode="markdown",
)
localnet = typer.Typer(help="Run the local chain, or ask it.", invoke_without_command=True, rich_markup_mode="markdown")
app.add_typer(localnet, name="localnet", rich_help_panel="Roles")
app.add_typer(cli_dead_letters.app, name="dead-letters", rich_help_panel="Operator")


@app.command(rich_help_panel="Engine")
def up(
    demo: Annotated[bool, typer.Option("--demo", help="Execute a first order where there is none yet.")] = False,
) -> None:
    """Run the whole engine, supervised, until Ctrl-C or SIGTERM.

    Servers whose address isn't set (DATABASE_URL, REDIS_URL, SOLANA_RPC_URL) are started too: PostgreSQL, Valkey, a
    local chain.
    """
    from cli.up import main

    raise typer.Exit(roles.guarded("up", lambda: main(demo=demo)))


@app.command(rich_help_panel="Engine")
def migrate() -> None:
    """Bring the database to this version's schema, as DATABASE_OWNER_URL; nothing to do is fine."""
    roles.main("migrate")


@app.command(rich_help_panel="Engine")
def env(
    owner: Annotated[bool, typer.Option("--owner", help="The owner's DATABASE_OWNER_URL too; for migrations.")] = False,
) -> None:
    """Print the addresses in use, KEY=value, one a line: those of the engine that runs on DATA_DIR, else those set."""
    from runtime import addresses, settings

    def show() -> None:
        found = settings.load()
        engine = addresses.of_running_engine(found.data_dir)
        needed = addresses.ADDRESSES if owner else roles.EVERY
        values = (
            {name: getattr(engine, name) for name in needed}
            if engine
            else addresses.completed(found, *needed).model_dump()
        )
        for name in needed:
            print(f"{name.upper()}={values[name]}")
        print(f"API_URL={addresses.api_url(found)}")

    raise typer.Exit(roles.guarded("env", show))


@app.command(rich_help_panel="Orders")
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

    async def run(client: Any) -> None:
        answer = await client.submit(order)
        print(json.dumps(answer, indent=2))
        if watch:
            await _follow(client, answer["orderId"])

    _with_client(run)


@app.command("watch", rich_help_panel="Orders")
def watch_order(order: Annotated[str, typer.Argument(help="The order's id.")]) -> None:
    """Follow an order to its end, from its first status on; exit code 1 unless it is confirmed."""
    _with_client(lambda client: _follow(client, order))


for command in (
    cli_operator.resolve,
    cli_operator.resume,
    cli_operator.verify,
    cli_operator.checkpoint,
    cli_operator.rebuild,
):
    app.command(rich_help_panel="Operator")(command)


@app.command(rich_help_panel="Roles")
def api() -> None:
    """Serve REST, WebSocket and metrics on HOST and PORT."""
    roles.main("api")


@app.command(rich_help_panel="Roles")
def worker() -> None:
    """Route, build and submit: the actors."""
    roles.main("worker")


@app.command(rich_help_panel="Roles")
def relay() -> None:
    """Turn events into work, and take up again what is due. One at a time; a second stands by."""
    roles.main("relay")


@app.command(rich_help_panel="Roles")
def projector() -> None:
    """Keep the read models. One at a time; a second stands by."""
    roles.main("projector")


@app.command(rich_help_panel="Roles")
def tracker() -> None:
    """Stay with every transaction until the chain says what became of it. One at a time; a second stands by."""
    roles.main("tracker")


@app.command(rich_help_panel="Roles")
def watcher() -> None:
    """Observe prices and fire the orders that wait for them. One at a time; a second stands by."""
    roles.main("watcher")


@localnet.callback()
def run_localnet(context: typer.Context) -> None:
    """Run the local chain on LOCALNET_HOST and LOCALNET_PORT. With a command: ask the one that runs."""
    if context.invoked_subcommand is None:
        roles.main("localnet")


@localnet.command("price")
def localnet_price(
    pair: Annotated[str, typer.Argument(help="Like SOL/USDC.")],
    price: Annotated[
        str | None, typer.Argument(help="Trade until every pool of the pair is within 1 bp of it.")
    ] = None,
) -> None:
    """Print a pair's price on the local chain; with PRICE, move it there first by real swaps from another wallet."""
    from cli.localnet import price_of

    target = None if price is None else positive_decimal(price, what="a price", param_hint="PRICE")
    raise typer.Exit(roles.guarded("localnet price", lambda: print(price_of(pair, target))))


@localnet.command("market")
def localnet_market(
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
    from cli.localnet_market import run

    raise typer.Exit(
        roles.guarded("localnet market", lambda: run(seed, volatility, pairs, interval, minutes)),
    )


async def _follow(client: Any, order_id: str) -> None:
    from rich.console import Console

    from cli.show import status_line

    console, status = Console(), ""
    async for message in client.watch(order_id):
        console.print(status_line(message), soft_wrap=True)
        status = message["status"]
    if status != "confirmed":
        raise StartupError(f"the order is {status}")


def _with_client(use: Any) -> None:
    """Run `use(client)` against the engine; what it refuses is one sentence on stderr and exit code 1."""
    from cli.client import Client, RefusedError, UnreachableError
    from runtime import addresses, settings

    async def run() -> None:
        try:
            async with Client(addresses.api_url(settings.load())) as client:
                await use(client)
        except RefusedError as error:
            raise StartupError(f"{error} ({error.code})") from None
        except UnreachableError as error:
            raise StartupError(str(error)) from None

    def guarded() -> None:
        with suppress(KeyboardInterrupt):
            asyncio.run(run())

    raise typer.Exit(roles.guarded("client", guarded))


def main() -> None:
    app()


if __name__ == "__main__":
    main()
