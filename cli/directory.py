"""What the commands for accounts and keys share: the directory, with PostgreSQL alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from commands.directory.commands import DirectoryCommands
from commands.directory.key_uses import last_uses
from commands.known_accounts import KnownAccounts
from domain.directory import Account
from domain.directory_events import DIRECTORY_EVENTS
from domain.errors import DomainError
from event_store.mapper import EventMapper
from event_store.notifier import Notifier
from event_store.pool import connection_pool
from event_store.read.log import Log
from runtime import settings, telemetry
from runtime.database import database_of
from runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class OpenDirectory:
    """``known`` is as it was when the command began; ``uses`` is when each key was last used."""

    settings: Settings
    commands: DirectoryCommands
    known: KnownAccounts
    uses: dict[UUID, datetime]

    def account(self, name: str) -> Account:
        """Raises ``DomainError``: ``invalid_account_name``, ``account_not_found``."""
        found = self.known.named(name)
        if found is None:
            raise DomainError("account_not_found", f"There is no account {name}; surefill accounts list shows them.")
        return found


@asynccontextmanager
async def open_directory(*, begins: bool = False) -> AsyncIterator[OpenDirectory]:
    """``begins``: where DATA_DIR has no database one is made. Raises ``StartupError``, and what reading the log
    raises.
    """
    given = settings.load()
    telemetry.configure(given, "directory")  # what is logged goes to stderr: stdout may be read by a program
    async with database_of(given, begins=begins) as found:
        notifier = Notifier(found.redis_url) if found.redis_url else None
        if notifier:
            await notifier.start()
        try:
            async with connection_pool(found.database_url, max_size=2, application_name="surefill directory") as pool:
                known = KnownAccounts(Log(pool), EventMapper(DIRECTORY_EVENTS))
                await known.load()
                commands = DirectoryCommands(found.database_url, pool, notifier)
                try:
                    yield OpenDirectory(found, commands, known, await last_uses(pool))
                finally:
                    commands.close()
        finally:
            if notifier:
                await notifier.said()
                await notifier.stop()
