"""The database for a command that needs nothing else: the one that is set or runs, else the embedded one, for as long
as the command takes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from runtime import addresses
from runtime.data_directory import occupied, written_in
from runtime.embedded import postgres
from runtime.errors import StartupError
from runtime.roles import migrate
from runtime.settings import Settings
from runtime.supervision.supervisor import Supervisor


@asynccontextmanager
async def database_of(settings: Settings, *, begins: bool = False) -> AsyncIterator[Settings]:
    """The settings with DATABASE_URL filled in, and REDIS_URL where an engine runs. Raises ``StartupError``, also where
    DATA_DIR has no database, unless the command ``begins`` one.
    """
    if settings.database_url or settings.database_owner_url:
        yield addresses.completed(settings, "database_url").model_copy(update={"redis_url": settings.redis_url})
    elif running := addresses.of_running_engine(settings.data_dir):
        yield settings.model_copy(update={"database_url": running.database_url, "redis_url": running.redis_url})
    else:
        if not begins:
            _require_database(settings)
        async with _embedded(settings) as found:
            yield found


def _require_database(settings: Settings) -> None:
    """What would be read of a new one is nothing, said of an engine that has something: DATA_DIR is mistyped."""
    if not _has_database(settings.data_dir):
        raise StartupError(
            f"there is no database in DATA_DIR {settings.data_dir}: set DATA_DIR to the engine's, or DATABASE_URL; the "
            "first surefill up makes one"
        )


def _has_database(data_dir: Path) -> bool:
    with written_in(data_dir):
        try:
            return any(one.name.startswith("postgres-") for one in data_dir.iterdir())
        except FileNotFoundError:
            return False


@asynccontextmanager
async def _embedded(settings: Settings) -> AsyncIterator[Settings]:
    async with occupied(settings.data_dir) as held:
        database = await postgres.prepare(settings.data_dir)
        supervisor = Supervisor(keep_open=[held])
        try:
            supervisor.keep(database.program, level=0)
            await database.ready()
            urls = {"database_url": database.url, "database_owner_url": database.owner_url}
            await migrate.run(settings.model_copy(update=urls))
            yield settings.model_copy(update={"database_url": database.url})
        finally:
            await supervisor.stop()
