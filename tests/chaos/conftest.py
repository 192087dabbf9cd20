from __future__ import annotations

import asyncio
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from event_store.migrate import migrate
from tests.chaos.theatre import Theatre
from tests.integration.conftest import postgres, valkey  # noqa: F401 - fixtures
from tests.integration.embedded import EmbeddedPostgres, EmbeddedValkey


@pytest.fixture(scope="module")
def theatre(postgres: EmbeddedPostgres, valkey: EmbeddedValkey) -> Iterator[Theatre]:  # noqa: F811
    name = f"chaos_{secrets.token_hex(4)}"
    with psycopg.connect(postgres.superuser, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {} owner surefill_owner").format(sql.Identifier(name)))
    app = postgres.url("surefill", "surefill", name)
    asyncio.run(migrate(postgres.url("surefill_owner", "owner", name), app))
    directory = Path(tempfile.mkdtemp(prefix="surefill-chaos-"))
    theatre = Theatre(directory, app, valkey.url)
    try:
        theatre.start()
        yield theatre
    finally:
        theatre.stop()
        shutil.rmtree(directory, ignore_errors=True)
