"""Logging of every process, and how late its loop is."""

import asyncio
import logging
import re
import sys
import time
from io import StringIO
from typing import Any, TextIO

import structlog
from prometheus_client import Gauge

from runtime.settings import Settings

LOOP_TICK = 1.0
LOOP_LAG = Gauge("surefill_loop_lag_seconds", "How late the loop came to what was due, at the last look.")
SECRET_KEYS = re.compile(
    r"password|secret|keypair|private|api_?key|token_?auth|authorization|signed|raw_?transaction|owner_?url", re.I
)
CREDENTIALS = re.compile(
    r"(?<=://)[^\s/@]*:[^\s/@]*@|sf_[A-Za-z0-9_-]{43}|(?<=[?&])[^\s=&#]*(?:key|token|secret)=[^\s&#'\"]*", re.I
)
REMOVED = "[removed]"
# What each consumer of Dramatiq says every three seconds while Valkey is away, which the notifier says once.
REPEATED = ("Consumer encountered a connection error: %s", "Restarting consumer in %0.2f seconds.")


def configure(settings: Settings | None, role: str, *, stream: TextIO = sys.stderr) -> None:
    """Write the log lines of this process to `stream`, each with its role: structlog's and the standard library's.

    Without settings the lines have the form for people and not JSON.
    """
    json_lines = settings is not None and settings.log_format == "json"
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso" if json_lines else "%H:%M:%S.%f", utc=json_lines),
        _with_role(role),
    ]
    if json_lines:
        ending: list[Any] = [structlog.processors.format_exc_info, without_secrets, structlog.processors.JSONRenderer()]
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=_traceback)
        ending = [without_secrets, renderer]
    level = logging.getLevelNamesMapping()[settings.log_level.upper()] if settings else logging.INFO
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    remove_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[remove_meta, *ending])
    )
    handler.addFilter(lambda record: record.msg not in REPEATED)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("httpx", "httpx2", "httpcore", "httpcore2", "uvicorn"):
        logging.getLogger(noisy).setLevel(max(level, logging.WARNING))  # each request, each connection


def without_secrets(_logger: Any, _method: str, event: Any) -> Any:
    """The last processor before a line is rendered: removes secrets, by the name of their key and inside addresses."""
    return {key: REMOVED if SECRET_KEYS.search(str(key)) else _clean(value) for key, value in event.items()}


def _traceback(into: TextIO, exc_info: Any) -> None:
    """A traceback without local variables: they hold addresses with passwords, and transactions."""
    text = StringIO()
    structlog.dev.plain_traceback(text, exc_info)
    into.write(CREDENTIALS.sub("", text.getvalue()))


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return CREDENTIALS.sub("", value)
    if isinstance(value, dict):
        return without_secrets(None, "", value)
    if isinstance(value, list | tuple):
        return [_clean(each) for each in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return f"[{len(value)} bytes]"
    return value


def _with_role(role: str) -> Any:
    def add(_logger: Any, _method: str, event: Any) -> Any:
        return {"role": role, **event}

    return add


async def watch_loop() -> None:
    """Measure for ever how late this process's loop comes to what is due: everything in it waits so long."""
    while True:
        # Not the loop's own clock: uvloop's stands still while a callback runs.
        due = time.monotonic() + LOOP_TICK
        await asyncio.sleep(LOOP_TICK)
        LOOP_LAG.set(max(0.0, time.monotonic() - due))
