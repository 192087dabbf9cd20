"""Writes the catalogue of a migrated database as Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from event_store.dsn import parse
from event_store.statements import statement

DOCUMENT = Path(__file__).parents[2] / "docs" / "schema.md"

_HEAD = """\
# The database

Every table, function, trigger and index as they are after all migrations, read from a migrated database together with
its comments. `python -m tests.schema_document` writes this file, and a test holds it equal to the database.

The log's schema belongs to the owner: the application may read it, and append to it by `append()` alone. The
application's own schema lies beside it. Their names are `surefill` and `surefill_app` unless the database URL says
`?schema=NAME`. `surefill migrate` runs the migrations of `event_store/schema/migrations` that have not run yet.

Only the log is the truth: `orders_v1`, `work` and `positions` can be made again from it. While
`surefill rebuild orders` runs there is also a table `orders_v1_rebuilt`, and after one that found differences
`orders_v1_replaced` ([rebuild.md](rebuild.md)).
"""


def schema_document(url: str) -> str:
    """The document of the database at ``url``. Raises ``ValueError`` for a part that has no comment."""
    database = parse(url)
    with psycopg.connect(database.conninfo) as connection:
        parts = [
            _HEAD,
            *_schema(connection, "The log", database.log_schema),
            *_schema(connection, "The application's own tables", database.app_schema),
        ]
    return "\n".join(parts)


def _schema(connection: psycopg.Connection[Any], title: str, schema: str) -> Iterator[str]:
    yield f"## {title}: schema `{schema}`\n"
    for oid, name, comment in _rows(connection, "tables", schema=schema):
        yield f"### `{name}`\n\n{_said(name, comment)}\n"
        yield from _columns(connection, name, oid)
        yield from _parts(connection, name, oid)
    functions = _rows(connection, "functions", schema=schema)
    if functions:
        yield "### Functions\n"
    for name, arguments, result, kind, comment in functions:
        what = "Aggregate. " if kind == "a" else ""
        yield f"- `{name}({arguments})` returns `{result}`. {what}{_said(name, comment)}"
    if functions:
        yield ""


def _columns(connection: psycopg.Connection[Any], table: str, oid: int) -> Iterator[str]:
    yield "| column | type | null | default | meaning |\n|---|---|---|---|---|"
    for name, type_, required, default, comment in _rows(connection, "columns", table=oid):
        said = _said(f"{table}.{name}", comment)
        yield f"| `{name}` | {type_} | {'no' if required else 'yes'} | {f'`{default}`' if default else ''} | {said} |"
    yield ""


def _parts(connection: psycopg.Connection[Any], table: str, oid: int) -> Iterator[str]:
    for name, definition in _rows(connection, "constraints", table=oid):
        yield f"- Constraint `{name}`: `{definition}`."
    for kind in ("indexes", "triggers"):
        for name, definition, comment in _rows(connection, kind, table=oid):
            title = "Index" if kind == "indexes" else "Trigger"
            yield f"- {title} `{name}`: {_said(name, comment)}\n  `{' '.join(definition.split())}`"
    yield ""


def _rows(connection: psycopg.Connection[Any], query: str, **parameters: object) -> list[tuple[Any, ...]]:
    return connection.execute(statement(__file__, query), parameters).fetchall()


def _said(name: str, comment: str | None) -> str:
    if not comment:
        raise ValueError(f"{name} has no comment: a migration has to say what it is for")
    return comment
