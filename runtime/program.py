"""How every program of the engine runs and ends: its loop, its signals, its exit code.

An expected failure to start is a StartupError: one sentence and exit code 1, or 2 where a setting is at fault. SIGTERM
and SIGINT cancel what runs, which cleans up as it unwinds.
"""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from typing import Any

import structlog

from runtime import lost_output, telemetry
from runtime.error_groups import first, is_only
from runtime.errors import SettingsError, StartupError

try:
    import uvloop as event_loop
except ModuleNotFoundError:
    import asyncio as event_loop  # type: ignore[no-redef]

OK, FAILED, USAGE = 0, 1, 2
# As a shell says it of a program that SIGINT ended.
INTERRUPTED = 128 + signal.SIGINT
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT)

log = structlog.get_logger()


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
        if is_only(error, BrokenPipeError) and lost_output.is_unread():
            lost_output.print_nowhere()
            return FAILED
        if is_only(error, OSError) and isinstance(full := first(error), OSError) and lost_output.has_no_room(full):
            lost_output.say_no_room(full)
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
