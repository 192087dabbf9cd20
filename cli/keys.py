"""`surefill keys`: the API keys of accounts."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.table import Table

from cli.console import table_console
from cli.directory import OpenDirectory, open_directory
from cli.operator import operator, run_command
from commands.directory.application import NewKey
from domain.directory import DEFAULT_NAME, Key
from domain.directory_events import SCOPES, Scope
from domain.time_spans import time_span
from projections.order_view import instant
from runtime import program

app = typer.Typer(
    help="API keys: what Authorization: Bearer takes. A key is shown once, and only its sha256 is kept.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    add_completion=False,
    pretty_exceptions_enable=False,
)

AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


def _scope(text: str) -> Scope:
    for scope in SCOPES:
        if text == scope:
            return scope
    raise typer.BadParameter(f"there are {', '.join(SCOPES)}")


def _end(text: str) -> datetime:
    span = time_span(text)
    if span is None or not span:
        raise typer.BadParameter("a number and a unit, such as 30d, 12h or 45m")
    return datetime.now(UTC) + span


@app.command()
def create(
    account: Annotated[str, typer.Option(help="The account it acts for.")],
    scope: Annotated[
        list[str],
        typer.Option(help="read, trade: its orders; admin: accounts, keys, limits, halts. Repeat it for more."),
    ],
    expires_in: Annotated[str | None, typer.Option(help="Like 30d, 12h, 45m; for ever if not given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and show it, this once.

    It needs the database alone, and starts the embedded one where no engine runs.
    """
    scopes = tuple(dict.fromkeys(map(_scope, scope)))
    ends = _end(expires_in) if expires_in else None

    def run() -> None:
        made = run_command(_create(account, scopes, ends))
        if as_json:
            print(json.dumps({"keyId": str(made.key_id), "key": made.key, "scopes": list(scopes)}))
        else:
            print(f"{made.key}\n\nkey {made.key_id} of account {account}: {', '.join(scopes)}. It is not shown again.")

    raise typer.Exit(program.guarded("keys", run))


@app.command("list")
def list_keys(
    account: Annotated[str | None, typer.Option(help="Of this account alone.")] = None, as_json: AsJson = False
) -> None:
    """List the keys: their ids, whose they are, what for, and when they were last used; never the keys themselves."""

    def run() -> None:
        items = run_command(_list(account))
        if as_json:
            print(json.dumps({"items": items}))
            return
        table = Table(box=None, pad_edge=False)
        table.add_column("key", min_width=36)
        for name in ("account", "scopes", "expires", "last used"):
            table.add_column(name)
        for item in items:
            ends = "revoked" if item["revoked"] else item["expiresAt"] or "-"
            table.add_row(item["keyId"], item["account"], ", ".join(item["scopes"]), ends, item["lastUsedAt"] or "-")
        table_console().print(table, soft_wrap=True)

    raise typer.Exit(program.guarded("keys", run))


@app.command()
def revoke(key: Annotated[UUID, typer.Argument(help="The key's id.")]) -> None:
    """End a key at once, and every stream that was opened with it."""
    raise typer.Exit(program.guarded("keys", lambda: print(run_command(_revoke(key)))))


async def _create(account: str, scopes: tuple[Scope, ...], ends: datetime | None) -> NewKey:
    # A new database knows that account alone.
    async with open_directory(begins=account == DEFAULT_NAME) as directory:
        found = directory.account(account)
        return await directory.commands.issue(found.account_id, scopes, ends, by=operator())


async def _list(name: str | None) -> list[dict[str, Any]]:
    async with open_directory() as directory:
        of = directory.account(name).account_id if name else None
        return [_json(directory, key) for key in directory.known.keys if of in (None, key.account_id)]


async def _revoke(key_id: UUID) -> str:
    async with open_directory() as directory:
        await directory.commands.revoke(key_id, by=operator())
        return f"key {key_id} is revoked"


def _json(directory: OpenDirectory, key: Key) -> dict[str, Any]:
    account, used = directory.known.account(key.account_id), directory.uses.get(key.key_id)
    return {
        "keyId": str(key.key_id),
        "account": account.name if account else str(key.account_id),
        "scopes": list(key.scopes),
        "expiresAt": instant(key.expires_at) if key.expires_at else None,
        "lastUsedAt": instant(used) if used else None,
        "revoked": key.revoked,
    }
