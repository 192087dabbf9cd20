"""DATABASE_URL and DATABASE_OWNER_URL, held to what a database's URL is."""

from __future__ import annotations

from event_store.dsn import Database, parse
from event_store.errors import DatabaseUrlError
from runtime.errors import SettingsError


def database_at(url: str, setting: str) -> Database:
    """The database that ``setting`` (as DATABASE_URL) names. Raises ``SettingsError``, which shows no password."""
    try:
        return parse(url)
    except DatabaseUrlError as error:
        raise SettingsError(f"{setting}: {error}") from None
