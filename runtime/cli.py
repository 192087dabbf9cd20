"""The `surefill` command."""

import asyncio
import json
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

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


@app.command(rich_help_panel="Engine")
def up(
    demo: Annotated[bool, typer.Option("--demo", help="Execute a first order where there is none yet.")] = False,
) -> None:
    """Run the whole engine, supervised, until Ctrl-C or SIGTERM.

    Servers whose address isn't set (DATABASE_URL, REDIS_URL, SOLANA_RPC_URL) are started too: PostgreSQL, Valkey, a
    local chain.
    """
    from runtime.up import main

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


@app.command(rich_help_panel="Operator")
def resolve(
    order: Annotated[UUID, typer.Argument(help="The order's id.")],
    attempt: Annotated[int, typer.Argument(help="The attempt's number, 1 for the first.")],
    because: Annotated[str, typer.Option(help="Why; recorded in the log.")],
    expired: Annotated[bool, typer.Option("--expired", help="It can never land.")] = False,
    landed: Annotated[bool, typer.Option("--landed", help="It landed, and swapped.")] = False,
    amount_out: Annotated[str, typer.Option(help="With --landed: the token units received.")] = "",
    slot: Annotated[int, typer.Option(help="With --landed: the slot it landed in.")] = 0,
    fee_lamports: Annotated[int, typer.Option(help="With --landed: the network fee paid.")] = 5_000,
) -> None:
    """End an attempt whose outcome can never be known from the chain again; refused while it still can."""
    from runtime.operator import Received, resolve

    if expired == landed:
        raise typer.BadParameter("say one of --expired and --landed")
    received = None
    if landed:
        with suppress(InvalidOperation):
            amount = Decimal(amount_out)
            if amount.is_finite() and amount > 0:
                received = Received(slot, amount, fee_lamports)
        if received is None or slot <= 0:
            raise typer.BadParameter("--landed needs --amount-out, a positive decimal number, and --slot")
    raise typer.Exit(roles.guarded("resolve", lambda: print(resolve(order, attempt, received, because))))


@app.command(rich_help_panel="Operator")
def resume(because: Annotated[str, typer.Option(help="Why it may go on; recorded in the log.")]) -> None:
    """Let trading go on after a contradiction between chain and log has halted it."""
    from runtime.operator import resume

    raise typer.Exit(roles.guarded("resume", lambda: print(resume(because))))


@app.command(rich_help_panel="Operator")
def verify(
    checkpoint: Annotated[
        Path | None, typer.Option(help="A file of `surefill checkpoint`: finds any change up to its position.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line a finding, the verdict last.")] = False,
    no_chain: Annotated[
        bool, typer.Option("--no-chain", help="Leave the chain out; the verdict then says so.")
    ] = False,
) -> None:
    """Compare the log with its hashes, the read models with the log, and the log with the chain.

    Exit codes: 0 all equal, 1 something differs, 2 a wrong argument or setting, 3 something could not be checked.
    """
    from runtime.verification.run import verify

    raise typer.Exit(verify(checkpoint, as_json=as_json, chain=not no_chain))


@app.command(rich_help_panel="Operator")
def checkpoint(
    file: Annotated[str, typer.Argument(help="Where to write it; - is stdout.")] = "-",
) -> None:
    """Write what the log is now, for `verify --checkpoint`; keep it where nobody who can change the log can."""
    from runtime.verification.run import take_checkpoint

    where = None if file == "-" else Path(file)
    raise typer.Exit(roles.guarded("checkpoint", lambda: take_checkpoint(where)))


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
    from runtime.localnet_price import price_of

    target = None
    if price is not None:
        with suppress(InvalidOperation):
            target = Decimal(price)
        if target is None or not target.is_finite() or target <= 0:
            raise typer.BadParameter(f"a price is a positive decimal number, got {price!r}", param_hint="PRICE")
    raise typer.Exit(roles.guarded("localnet price", lambda: print(price_of(pair, target))))


async def _follow(client: Any, order_id: str) -> None:
    from rich.console import Console

    from runtime.show import status_line

    console, status = Console(), ""
    async for message in client.watch(order_id):
        console.print(status_line(message), soft_wrap=True)
        status = message["status"]
    if status != "confirmed":
        raise StartupError(f"the order is {status}")


def _with_client(use: Any) -> None:
    """Run `use(client)` against the engine; what it refuses is one sentence on stderr and exit code 1."""
    from runtime import addresses, settings
    from runtime.client import Client, RefusedError, UnreachableError

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
