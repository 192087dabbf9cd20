"""What the commands of an operator have in common: they run to their end, and a refusal is one sentence."""

from __future__ import annotations

import asyncio
import getpass
import os
import socket
from collections.abc import Coroutine
from typing import Any, NoReturn, TypeVar
from uuid import UUID

import psycopg
import typer

from chains.errors import ChainUnavailableError
from commands.errors import TooManyConflictsError
from commands.ids import DEFAULT_ACCOUNT
from domain.errors import DomainError
from event_store.errors import EventStoreError, OutcomeUnknownError
from runtime import program
from runtime.composition import Store
from runtime.errors import StartupError

T = TypeVar("T")


def print_outcome(command: str, work: Coroutine[Any, Any, str]) -> NoReturn:
    """Print the sentence that comes of ``work`` and exit with 0; with 1 where it is refused."""
    raise typer.Exit(program.guarded(command, lambda: print(run_command(work))))


def run_command(work: Coroutine[Any, Any, T]) -> T:
    """What comes of ``work``; a refusal or an outage is one sentence, a ``StartupError``."""
    try:
        return asyncio.run(work)
    except DomainError as refused:
        raise StartupError(f"{refused.code}: {refused.detail}") from None
    except OutcomeUnknownError as error:
        raise StartupError(f"it may have been recorded; repeat the command: {error}") from None
    except TooManyConflictsError:
        raise StartupError("others changed the same thing all the time; repeat the command") from None
    except (ChainUnavailableError, EventStoreError) as error:
        # Of what takes several steps the first ones may be recorded.
        raise StartupError(f"nothing more was recorded: {error}") from None
    except psycopg.OperationalError as error:
        raise StartupError(
            f"PostgreSQL is unreachable ({type(error).__name__}); repeat the command when it is back"
        ) from None


def operator() -> str:
    """Who types the command, as the system knows him."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = str(os.getuid())
    return f"{name}@{socket.gethostname()}"


async def account_named(store: Store, name: str) -> UUID:
    """Raises ``DomainError``: ``invalid_account_name``, ``account_not_found``."""
    await store.known_accounts.load()
    found = store.known_accounts.named(name)
    if found is None:
        raise DomainError("account_not_found", f"There is no account {name}; surefill accounts list shows them.")
    return found.account_id


async def require_sound(store: Store) -> None:
    """Raise ``DomainError`` while the log counts as put back, or nobody can tell: what it has lost may still execute an
    order that an operator would end.
    """
    trading = await store.accounts.trading(DEFAULT_ACCOUNT)
    if trading.behind:
        raise trading.held(": surefill recover ends orders, or keeps them, first.")
