from __future__ import annotations

import pytest
from psycopg.conninfo import conninfo_to_dict

from event_store.dsn import parse
from event_store.errors import DatabaseUrlError


def test_a_url_chooses_its_schemas_as_prisma_writes_them() -> None:
    database = parse("postgresql://user:pw@db:5433/name?schema=public&connection_limit=5&sslmode=require")

    parameters = conninfo_to_dict(database.conninfo)
    assert {name: value for name, value in parameters.items() if "keepalive" not in name and "tcp" not in name} == {
        "user": "user",
        "password": "pw",
        "host": "db",
        "port": "5433",
        "dbname": "name",
        "sslmode": "require",
        "application_name": "surefill",
        "options": '-c search_path="public_app","public",pg_temp',
    }
    assert (database.log_schema, database.app_schema) == ("public", "public_app")


@pytest.mark.parametrize("text", ["postgres://u@h/d", "postgresql://u@h/d", "host=h user=u dbname=d"])
def test_without_a_schema_it_is_ours(text: str) -> None:
    assert (parse(text).log_schema, parse(text).app_schema) == ("surefill", "surefill_app")


def test_options_of_the_url_are_kept() -> None:
    database = parse("postgresql://u@h/d?options=-c%20geqo%3Doff")

    assert conninfo_to_dict(database.conninfo)["options"].startswith("-c geqo=off -c search_path=")  # type: ignore[union-attr]


def test_a_password_may_hold_anything_and_is_shown_nowhere() -> None:
    database = parse("postgresql://us%40er:p%40%2F%20'\\word@h/d?schema=s")

    assert database.password == "p@/ '\\word"
    assert conninfo_to_dict(database.conninfo)["password"] == database.password
    assert str(database) == "postgresql://us%40er@h:5432/d?schema=s"
    assert "word" not in f"{database} {database!r}"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "postgresql://h/d",
        "mysql://u:geheim@h/d",
        "postgresql://u:geheim@h:port/d",
        "postgresql://u:geheim@h:99999/d",
        "postgresql://u:geheim@h:0/d",
        "postgresql://u:geheim\udcff@h/d",  # a byte of the environment that is no UTF-8
        "postgresql://u:geheim@[h/d",
        "postgresql://u:geheim@h/d?nonsense=1",
        "postgresql://u:geheim@h/d?schema=",
        "postgresql://u:geheim@h/d?schema=a-b",
        f"postgresql://u:geheim@h/d?schema={'s' * 60}",
        'postgresql://u:geheim@h/d?schema=a"b',
    ],
)
def test_a_url_that_cannot_be_used_is_one_sentence_without_the_password(url: str) -> None:
    with pytest.raises(DatabaseUrlError) as raised:
        parse(url)

    assert str(raised.value).isprintable()
    assert "geheim" not in str(raised.value)
    assert raised.value.__cause__ is None
