"""`surefill dead-letters`: orders that were set aside, listed, retried or given up.

Who did it, and why, is kept in the log.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Annotated
from uuid import UUID

import typer

from cli.arguments import Because
from cli.operator import operator, print_outcome, require_sound, run_command
from cli.retry import Retry
from domain.account import RecordedDeadLetter
from domain.errors import DomainError
from event_store.processors import dead_letters
from event_store.processors.dead_letters import DeadLetter
from projections.order_view import instant
from runtime import addresses, program, settings
from runtime.composition import Store, open_store

READ_MODEL = "projector:"

app = typer.Typer(
    help="Orders that could not be handled and were set aside: list them, take one up again, give one up.",
    invoke_without_command=True,
    rich_markup_mode="markdown",
    add_completion=False,
    pretty_exceptions_enable=False,
)

Order = Annotated[UUID, typer.Argument(help="The order's id.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON line a letter.")]


@app.callback()
def list_without_command(context: typer.Context, as_json: AsJson = False) -> None:
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
        str | None, typer.Option(help="Only there: execution, tracker, watcher, projector:orders_v1.")
    ] = None,
) -> None:
    """Take an order up again, recorded in the log. Exit code 1 where it fails again and stays a dead letter."""
    print_outcome("dead-letters retry", _retry(order, processor))


@app.command()
def discard(order: Order, because: Because) -> None:
    """Give an order up: it fails with `discarded`, recorded in the log. Refused while an attempt may still land."""
    print_outcome("dead-letters discard", _discard(order, because))


def _list(*, as_json: bool) -> None:
    def show() -> None:
        found = run_command(_all_letters())
        for letter in found:
            print(json_line(letter) if as_json else line(letter))
        if not (found or as_json):
            print("nothing is set aside")

    raise typer.Exit(program.guarded("dead-letters", show))


async def _all_letters() -> list[DeadLetter]:
    """Every dead letter, the oldest first."""
    async with _store() as store:
        return await _letters(store)


async def _retry(order_id: UUID, processor: str | None) -> str:
    """Take the order up again, everywhere or at one processor; a sentence, or ``StartupError`` where it fails again."""
    async with _store() as store:
        found = await _letters(store, order_id, discarded=True)
        chosen = [letter for letter in found if processor in (None, letter.processor)]
        if not chosen:
            raise _none(order_id, processor)
        await store.dead_letters.record_retry(order_id, _recorded(chosen), operator())
        return await Retry(store, order_id).run([letter.processor for letter in chosen])


async def _discard(order_id: UUID, because: str) -> str:
    """Give the order up; a sentence."""
    async with _store() as store:
        found = await _letters(store, order_id)
        engine = [letter for letter in found if not letter.processor.startswith(READ_MODEL)]
        if found and not engine:
            only = "Only a read model has set it aside: retry it, or surefill rebuild orders."
            raise DomainError("read_model_only", only)
        if not engine:
            if await store.dead_letters.discarded(order_id):
                return f"order {order_id} was discarded before"
            raise _none(order_id, None)
        await require_sound(store)
        readable = await store.dead_letters.discard(order_id, _recorded(engine), operator(), because)
        async with store.pool.connection() as connection, connection.cursor() as cursor:
            drop = dead_letters.remove if readable else dead_letters.discard
            await drop(cursor, [letter.processor for letter in engine], order_id)
    return f"order {order_id} is discarded"


def line(letter: DeadLetter) -> str:
    """A dead letter for people."""
    since = instant(letter.since)
    return f"{since}  {letter.order_id}  {letter.processor}  {letter.error}  version {letter.version}"


def json_line(letter: DeadLetter) -> str:
    """A dead letter for programs: one JSON object, a position as text or null."""
    return json.dumps(
        {
            "orderId": str(letter.order_id),
            "processor": letter.processor,
            "error": letter.error,
            "version": letter.version,
            "position": None if letter.position is None else str(letter.position),
            "attempts": letter.attempts,
            "since": instant(letter.since),
        }
    )


def _store() -> AbstractAsyncContextManager[Store]:
    found = addresses.completed(settings.load(), "database_url", "redis_url")
    return open_store(found, "dead-letters")


async def _letters(store: Store, order_id: UUID | None = None, *, discarded: bool = False) -> list[DeadLetter]:
    async with store.pool.connection() as connection, connection.cursor() as cursor:
        return await dead_letters.list_all(cursor, order_id, discarded=discarded)


def _recorded(found: Sequence[DeadLetter]) -> list[RecordedDeadLetter]:
    return [
        RecordedDeadLetter(**{name: getattr(letter, name) for name in RecordedDeadLetter.model_fields})
        for letter in found
    ]


def _none(order_id: UUID, processor: str | None) -> DomainError:
    where = f" of {processor}" if processor else ""
    return DomainError("no_dead_letter", f"Order {order_id} is not among the dead letters{where}.")
