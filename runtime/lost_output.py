"""Output that goes nowhere. That nobody reads any more, as of a command before `| head -1`, ends it without a word;
that a disk has no room for, as of `> /full/report`, ends it with a sentence.
"""

from __future__ import annotations

import errno
import os
import select
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def may_go_unread() -> Iterator[None]:
    """Ends its block where stdout's reader is gone, or its disk is full; an error of any other pipe goes on."""
    try:
        yield
        print(end="", flush=True)
    except BrokenPipeError:
        if not is_unread():
            raise
        print_nowhere()
    except OSError as error:
        if not has_no_room(error):
            raise
        say_no_room(error)


def has_no_room(error: OSError) -> bool:
    """Whether it may be stdout that no disk has room for: what a terminal or another process reads needs none."""
    try:
        kind = os.fstat(sys.stdout.fileno()).st_mode
        return error.errno in _NO_ROOM and not (sys.stdout.isatty() or stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind))
    except (AttributeError, OSError, ValueError):  # no stdout, or none of the system's
        return False


def say_no_room(error: OSError) -> None:
    print_nowhere()
    print(f"surefill: {error.strerror}: what was to be written isn't", file=sys.stderr)


def is_unread() -> bool:
    """Whether stdout leads to a reader who is gone."""
    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
    except (AttributeError, OSError, ValueError):  # no stdout, or none of the system's
        return False


def print_nowhere() -> None:
    """What is still to be printed, by the interpreter's last flush too, fails no more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
