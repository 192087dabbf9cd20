"""Where a process of the engine begins: settings, logs, addresses, and then its roles until it is told to end."""

import asyncio
import contextlib
import resource
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import Any, NoReturn

import structlog

from runtime import addresses, garbage_collection, settings, telemetry
from runtime.errors import ServerUnreachableError
from runtime.program import guarded, run_until_signalled
from runtime.roles import ALONE, EVERY, SHARED
from runtime.settings import Settings

MOST_FILES = 65_536

log = structlog.get_logger()


def main(*names: str, **composition: Any) -> NoReturn:
    """Run these roles in this process until it ends or is told to; ``composition`` is handed to ``run_roles``."""
    sys.exit(guarded("+".join(names), lambda: _run(names, composition)))


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
