"""docs/schema.md says what the database is."""

from __future__ import annotations

import psycopg
import pytest

from event_store.dsn import parse
from tests.integration.conftest import TestDatabase
from tests.schema_document.document import DOCUMENT, schema_document


async def test_the_document_is_the_migrated_database(database: TestDatabase) -> None:
    assert DOCUMENT.read_text() == schema_document(database.app), "run `make docs`"


async def test_a_column_without_a_comment_is_refused(database: TestDatabase) -> None:
    with psycopg.connect(parse(database.app).conninfo, autocommit=True) as connection:
        connection.execute("alter table accounts add column colour text")

    with pytest.raises(ValueError, match=r"accounts\.colour has no comment"):
        schema_document(database.app)
