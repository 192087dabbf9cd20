"""What every process of the engine has in common: settings, logs, addresses, signals, and how it ends.

A role is a module here with an `async def run(parts)`; several may share a process (`runtime.roles.process`). Those in
ALONE have a process of their own and get the settings, with every address they need filled in. All are cancelled on
SIGTERM and SIGINT and clean up as they unwind. An expected failure to start is a StartupError: one sentence and exit
code 1, or 2 where a setting is at fault.
"""

import asyncio
import contextlib
import resource
import signal
import sys
from collections.abc import Coroutine, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import Any, NoReturn

import structlog

from runtime import addresses, broken_pipe, garbage_collection, settings, telemetry
from runtime.error_groups import is_only
from runtime.errors import ServerUnreachableError, SettingsError, StartupError
from runtime.settings import Settings

try:
    import uvloop as event_loop
except ModuleNotFoundError:
    import asyncio as event_loop  # type: ignore[no-redef]

EVERY = ("database_url", "redis_url", "solana_rpc_url")
# The roles that may share a process, in the order in which they are shown. Together they are the core.
SHARED = ("api", "worker", "projector", "tracker", "watcher")
ALONE: dict[str, tuple[str, ...]] = {"migrate": ("database_url", "database_owner_url"), "localnet": ()}
OK, FAILED, USAGE = 0, 1, 2
MOST_FILES = 65_536
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT)

log = structlog.get_logger()


def main(*names: str, **composition: Any) -> NoReturn:
    """Run these roles in this process until it ends or is told to; ``composition`` is handed to ``run_roles``."""
    sys.exit(guarded("+".join(names), lambda: _run(names, composition)))


def named(text: str) -> tuple[str, ...]:
    """The roles that ``text`` names, separated by commas; ``core`` is all of them. Raises ``ValueError``."""
    names = SHARED if text == "core" else tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in SHARED:
            raise ValueError(f"{name!r} is no role; there are {', '.join(SHARED)}, and core for all of them")
    if len(set(names)) < len(names):
        raise ValueError("a role stands twice")
    return names


def guarded(program: str, body: Any) -> int:
    """The exit code of `body`, a function without arguments; expected failures become one sentence on stderr, and
    output that nobody reads any more none.
    """
    try:
        body()
        print(end="", flush=True)
    except SettingsError as error:
        print(f"surefill: {error}", file=sys.stderr)
        return USAGE
    except StartupError as error:
        print(f"surefill: {error}", file=sys.stderr)
        return FAILED
    except Exception as error:
        if is_only(error, BrokenPipeError) and broken_pipe.is_unread():
            broken_pipe.print_nowhere()
            return FAILED
        # With it comes the database's client: not for every command's start.
        from event_store.errors import TRANSIENT_DATABASE_ERRORS, LeaseLostError

        if not structlog.is_configured():
            # The default shows local variables: addresses with keys in them.
            telemetry.configure(None, program)
        if is_only(error, LeaseLostError):
            log.warning("ended: another may hold the lease by now", program=program)
        elif is_only(error, TRANSIENT_DATABASE_ERRORS):
            log.warning("ended: PostgreSQL is unreachable", program=program, error=type(error).__name__)
        else:
            log.exception("ended by an error", program=program)
        return FAILED
    return OK


def run_until_signalled(main_coroutine: Coroutine[Any, Any, None]) -> None:
    """Run it on the fastest loop there is; SIGTERM and SIGINT cancel it, and it returns once it has cleaned up."""
    with asyncio.Runner(loop_factory=event_loop.new_event_loop) as runner:
        runner.run(_cancelled_by_signals(main_coroutine))


async def _cancelled_by_signals(main_coroutine: Coroutine[Any, Any, None]) -> None:
    task = asyncio.ensure_future(main_coroutine)
    signalled = False

    def end() -> None:
        nonlocal signalled
        if not signalled:  # a second one must not cut the cleaning up short
            signalled = True
            task.cancel()

    loop = asyncio.get_running_loop()
    for number in ENDING_SIGNALS:
        loop.add_signal_handler(number, end)
    try:
        await task
    except asyncio.CancelledError:
        if not signalled:
            raise


def _run(names: Sequence[str], composition: Mapping[str, Any]) -> None:
    found = settings.load()
    telemetry.configure(found, "core" if tuple(names) == SHARED else "+".join(names))
    found = addresses.completed(found, *ALONE.get(names[0], EVERY))
    if names[0] in ALONE:
        run = import_module(f"runtime.roles.{names[0]}").run
    else:
        from runtime.roles.process import run_roles

        run = partial(run_roles, names=names, **composition)
    garbage_collection.collect_seldom()
    allow_many_connections()
    if found.metrics_port is not None and not {"api", "migrate"} & set(names):
        from runtime.metrics_server import serve_metrics  # with it comes the HTTP server: not for every command's start

        serve_metrics(found.host, found.metrics_port, found.access(found.host))
    run_until_signalled(_checked(found, run))


def allow_many_connections() -> None:
    """As many open files as the system lets the process have, up to 65,536: each client's connection takes one."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if most == resource.RLIM_INFINITY else min(most, MOST_FILES)
    if now != resource.RLIM_INFINITY and now < wanted:
        with contextlib.suppress(ValueError):  # macOS may allow less than it says: then it stays as it is
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


async def _checked(found: Settings, run: Any) -> None:
    await _check(found)
    collecting = asyncio.create_task(garbage_collection.collect_when_idle(), name="garbage-collection")
    try:
        await run(found)
    finally:
        collecting.cancel()


async def _check(found: Settings) -> None:
    """Not under a supervisor: it has looked, and a role it starts again during an outage must wait the outage out."""
    if found.supervised:
        return
    from runtime import preflight  # with it come both clients: not for every command's start

    try:
        await preflight.given_servers(found)
    except ServerUnreachableError as unreachable:
        log.warning("started without Valkey", reason=str(unreachable))
