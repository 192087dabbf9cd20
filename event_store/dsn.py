"""Reads a database URL, once for every connection of the program.

A URL names one pair of schemas: the log's, which the application may only read and append to, and the application's
own beside it. ``?schema=NAME`` (as Prisma writes it) chooses NAME and NAME_app; without it surefill and surefill_app.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from event_store.errors import DatabaseUrlError

DEFAULT_SCHEMA = "surefill"

# PostgreSQL silently cuts a name at 63 bytes: a longer NAME would make NAME_app another name.
_SCHEMA = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,58}", re.ASCII)
# Parameters that Prisma knows and libpq would refuse; none of them says where the database is.
_PRISMA = {"connection_limit", "pool_timeout", "socket_timeout", "pgbouncer", "statement_cache_size"}
# A server that vanishes without closing the connection is noticed in some 15 s; the kernel's default is hours.
_NOTICE_SILENCE = {"keepalives_idle": 5, "keepalives_interval": 5, "keepalives_count": 2, "tcp_user_timeout": 15_000}


@dataclass(frozen=True, slots=True)
class Database:
    """Where a database is and as whom.

    ``conninfo`` is libpq's, with the search path set, so that SQL needs no schema names; it holds the password.
    ``str()`` is for people and never does.
    """

    conninfo: str
    log_schema: str
    app_schema: str
    user: str
    password: str | None
    pretty: str

    def __str__(self) -> str:
        return self.pretty

    def __repr__(self) -> str:
        return f"Database({self.pretty})"


def parse(url: str, *, application_name: str = "surefill") -> Database:
    """The database of a ``postgresql://`` URL or a libpq keyword string. Raises ``DatabaseUrlError``."""
    bare, schema = _without_schema(url)
    try:
        # libpq's message may quote the URL with its password: it is not passed on.
        parameters = conninfo_to_dict(bare)
    except (ProgrammingError, UnicodeError):
        raise DatabaseUrlError(
            "the database URL cannot be read; it looks like postgresql://user:password@host:5432/database"
        ) from None
    if not _SCHEMA.fullmatch(schema):
        raise DatabaseUrlError(f"schema={schema!r}: a schema is letters, digits and underscores, at most 59 of them")
    user = str(parameters.get("user") or "")
    if not user:
        raise DatabaseUrlError("the database URL names no user")
    if not all(_is_port(port) for port in str(parameters.get("port") or 5432).split(",")):
        raise DatabaseUrlError("the database URL's port is not a number from 1 to 65535")
    options = search_path_option(schema)
    if given := parameters.get("options"):
        options = f"{given} {options}"
    parameters = {"application_name": application_name, **_NOTICE_SILENCE, **parameters, "options": options}
    conninfo = make_conninfo("", **parameters)
    password = parameters.get("password")
    where = f"{parameters.get('host') or 'localhost'}:{parameters.get('port') or 5432}"
    pretty = f"postgresql://{quote(user)}@{where}/{parameters.get('dbname') or user}?schema={schema}"
    return Database(conninfo, schema, app_schema(schema), user, None if password is None else str(password), pretty)


def app_schema(log_schema: str) -> str:
    """The schema of the application's own tables beside a log."""
    return f"{log_schema}_app"


def search_path_option(log_schema: str) -> str:
    """libpq's ``options`` under which our unqualified SQL finds its tables, and new ones are the application's own."""
    return f'-c search_path="{app_schema(log_schema)}","{log_schema}",pg_temp'


def _is_port(text: str) -> bool:
    return text.isdecimal() and 1 <= int(text) <= 65_535


def _without_schema(url: str) -> tuple[str, str]:
    if not re.match(r"postgres(ql)?://", url):
        return url, DEFAULT_SCHEMA
    try:
        parts = urlsplit(url)
    except ValueError:
        raise DatabaseUrlError("the database URL cannot be read") from None
    schema = DEFAULT_SCHEMA
    kept = []
    for pair in filter(None, parts.query.split("&")):
        name, _, value = pair.partition("=")
        if name == "schema":
            schema = unquote(value)
        elif name not in _PRISMA:
            kept.append(pair)
    return urlunsplit(parts._replace(query="&".join(kept))), schema
