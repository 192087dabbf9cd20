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
# Where other machines reach it: a key, and what makes the order one, however often it is sent.
FOR_OTHERS = """\
  a key     {command} keys create --account default --scope read --scope trade
  with it   export API_KEY=sf_...
"""
AS_OTHERS = """                 -H "authorization: Bearer $API_KEY" \\
"""
USAGE = """\
  a swap    curl -s {orders} -H 'content-type: application/json' \\
{header}                 -d '{{"tokenIn":"SOL","tokenOut":"USDC","amountIn":"1.5"{named}}}'
  the same  {command} submit --token-in SOL --token-out USDC --amount 1.5{option} --watch
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
        console.print(usage(found, addresses.api_url), markup=False, soft_wrap=True)
        if demo:
            from cli.demo import first_order  # with it come the clients: not for every engine's start

            await first_order(addresses.api_url, console, _key(found))
        await asyncio.Event().wait()


def usage(found: Settings, api_url: str) -> str:
    """What to do next, each line as it can be pasted into a shell."""
    # An address of IPv6 is in brackets, by which some shells look for files.
    said = {"api": api_url, "orders": shlex.quote(f"{api_url}/api/orders/execute"), "command": command_name()}
    if found.is_local:
        return USAGE.format(**said, header="", named="", option="")
    named, option = ',"clientOrderId":"first"', " --client-order-id first"
    return FOR_OTHERS.format(**said) + USAGE.format(**said, header=AS_OTHERS, named=named, option=option)


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
