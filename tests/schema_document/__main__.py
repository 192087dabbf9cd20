"""Writes docs/schema.md from a database that is made and migrated for it: `python -m tests.schema_document`."""

from __future__ import annotations

import asyncio

import psycopg

from event_store.schema.migrate import migrate
from tests.integration.embedded import EmbeddedPostgres
from tests.schema_document.document import DOCUMENT, schema_document


def main() -> None:
    server = EmbeddedPostgres()
    try:
        server.start()
        with psycopg.connect(server.superuser, autocommit=True) as connection:
            connection.execute("create role surefill_owner login createrole password 'owner'")
            connection.execute("create database surefill owner surefill_owner")
        owner, app = (server.url(role, "owner", "surefill") for role in ("surefill_owner", "surefill"))
        asyncio.run(migrate(owner, app))
        DOCUMENT.write_text(schema_document(app))
    finally:
        server.remove()


if __name__ == "__main__":
    main()
