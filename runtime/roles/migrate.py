"""Bring the database to this version's schema, once, as the owner of the log."""

from event_store.errors import DatabaseUrlError, LogUnavailableError, MigrationError
from event_store.schema.migrate import migrate
from runtime.errors import StartupError
from runtime.settings import Settings


async def run(settings: Settings) -> None:
    try:
        await migrate(settings.database_owner_url, settings.database_url)
    except (DatabaseUrlError, LogUnavailableError, MigrationError) as error:
        raise StartupError(str(error)) from None
