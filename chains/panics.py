"""A panic of solders' Rust as an exception like any other."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

# What ends a task, a generator or the process: no defect of what runs in it.
_ENDINGS = (asyncio.CancelledError, GeneratorExit, KeyboardInterrupt, SystemExit)


class PanicError(Exception):
    """Rust gave up in the middle of a call. pyo3 raises that past every ``except Exception``."""


@contextmanager
def panics_raised() -> Iterator[None]:
    """Raises ``PanicError`` where what it holds panics; all else passes."""
    try:
        yield
    except (Exception, *_ENDINGS):
        raise
    except BaseException as panic:  # noqa: BLE001 - what is left is a panic, whose class nobody can import
        raise PanicError(f"{type(panic).__name__}: {str(panic)[:200]}") from None
