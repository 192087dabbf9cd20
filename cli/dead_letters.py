"""The `surefill dead-letters` commands."""

from typing import Annotated
from uuid import UUID

import typer

from cli.arguments import Because
from runtime import roles

app = typer.Typer(
    help="Orders that could not be handled and were set aside: list them, take one up again, give one up.",
    invoke_without_command=True,
    rich_markup_mode="markdown",
)

Order = Annotated[UUID, typer.Argument(help="The order's id.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON line a letter.")]


@app.callback()
def dead_letters(context: typer.Context, as_json: AsJson = False) -> None:
    """List what was set aside, the oldest first. With a command: take an order up again, or give it up."""
    if context.invoked_subcommand is None:
        _list(as_json=as_json)


@app.command("list")
def list_letters(as_json: AsJson = False) -> None:
    """List what was set aside, the oldest first: since when, which order, who could not handle it, and why."""
    _list(as_json=as_json)


@app.command()
def retry(
    order: Order,
    processor: Annotated[
        str | None, typer.Option(help="Only there: route, build, submit, tracker, watcher, projector:orders_v1.")
    ] = None,
) -> None:
    """Take an order up again, recorded in the log. Exit code 1 where it fails again and stays a dead letter."""
    from cli.resolve import run_command
    from cli.retry import retry

    raise typer.Exit(roles.guarded("dead-letters retry", lambda: print(run_command(retry(order, processor)))))


@app.command()
def discard(order: Order, because: Because) -> None:
    """Give an order up: it fails with `discarded`, recorded in the log. Refused while an attempt may still land."""
    from cli.resolve import run_command
    from cli.retry import discard

    raise typer.Exit(roles.guarded("dead-letters discard", lambda: print(run_command(discard(order, because)))))


def _list(*, as_json: bool) -> None:
    from cli.resolve import run_command
    from cli.retry import json_line, letters, line

    def show() -> None:
        found = run_command(letters())
        for one in found:
            print(json_line(one) if as_json else line(one))
        if not (found or as_json):
            print("nothing is set aside")

    raise typer.Exit(roles.guarded("dead-letters", show))
