"""`surefill up`: start the engine, say where it is, keep it until a signal."""

import asyncio
import shlex
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from runtime import engine, program, settings, telemetry
from runtime.errors import SettingsError
from runtime.settings import Settings

NAME = "surefill"
USAGE = """\
  a swap    curl -s {api}/api/orders/execute -H 'content-type: application/json' \\
                 -d '{{"tokenIn":"SOL","tokenOut":"USDC","amountIn":"1.5"}}'
  the same  {command} submit --token-in SOL --token-out USDC --amount 1.5 --watch
  the API   {api}/docs
"""


def up(
    demo: Annotated[bool, typer.Option("--demo", help="Execute a first order where there is none yet.")] = False,
) -> None:
    """Run the whole engine, supervised, until Ctrl-C or SIGTERM.

    Servers whose address isn't set (DATABASE_URL, REDIS_URL, SOLANA_RPC_URL) are started too: PostgreSQL, Valkey, a
    local chain.
    """
    raise typer.Exit(program.guarded("up", lambda: run(demo=demo)))


def run(*, demo: bool) -> None:
    """Until SIGTERM or SIGINT; raises StartupError."""
    found = settings.load()
    telemetry.configure(found, "supervisor")
    program.run_until_signalled(_up(found, demo))


async def _up(found: Settings, demo: bool) -> None:
    console = Console(highlight=False)
    async with engine.running(found) as addresses:
        console.print(f"surefill is ready: {addresses.api_url}", style="bold", markup=False)
        console.print(USAGE.format(api=addresses.api_url, command=command_name()), markup=False, soft_wrap=True)
        if demo:
            from cli.demo import first_order  # with it come the clients: not for every engine's start

            await first_order(addresses.api_url, console, _key(found))
        await asyncio.Event().wait()


def command_name() -> str:
    """What a shell starts this command by: its name where PATH leads to it, else the path that it was started by."""
    started_by = sys.argv[0]
    if shutil.which(NAME) is None and Path(started_by).name == NAME:
        return shlex.quote(started_by)
    return NAME


def _key(found: Settings) -> str:
    """What is no key is another program's variable of that name: the first order is sent from this machine, without."""
    try:
        return found.key
    except SettingsError:
        return ""
