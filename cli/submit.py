"""`surefill submit`: an order by the engine's own API; its options are the fields of the API's request."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from typing import Annotated, Any, cast

import typer
from pydantic.alias_generators import to_snake
from pydantic.fields import FieldInfo

from api.orders.request import OrderRequest, names_of
from cli.client import Client, with_client
from cli.watch import follow

Watch = Annotated[bool, typer.Option("--watch", help="Follow it to its end; exit code 1 unless it is confirmed.")]

_AS_PRICES_SAY = (
    "it follows from the prices given: limitPrice: limit; stopPrice: stop; both: stop-limit; "
    "trailBps: trailing-stop; none: market."
)


def submit(watch: Watch = False, **given: Any) -> None:
    """Submit an order and print the engine's answer as JSON."""
    order = {names_of(OrderRequest.model_fields[name])[0]: value for name, value in given.items() if value is not None}
    order.setdefault("type", _type_of(order))

    async def run(client: Client) -> None:
        answer = await client.submit(order)
        print(json.dumps(answer, indent=2))
        if watch:
            await follow(client, answer["orderId"])

    with_client(run)


def _type_of(order: dict[str, Any]) -> str:
    if "trailBps" in order:
        return "trailing-stop"
    if "stopPrice" in order:
        return "stop-limit" if "limitPrice" in order else "stop"
    return "limit" if "limitPrice" in order else "market"


def _options() -> Iterator[inspect.Parameter]:
    """One option for each field, under all its names; the engine reads the values, so that they are text here."""
    for attribute, field in OrderRequest.model_fields.items():
        flags = [f"--{to_snake(name).replace('_', '-')}" for name in names_of(field)]
        option = typer.Option(*flags, help=_help(field))
        kind = int if cast(dict[str, Any], field.json_schema_extra).get("type") == "integer" else str
        yield inspect.Parameter(
            attribute,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.is_required() else None,
            annotation=Annotated[kind if field.is_required() else kind | None, option],
        )


def _help(field: FieldInfo) -> str:
    schema = cast(dict[str, Any], field.json_schema_extra)
    return field.description or f"One of {', '.join(schema['enum'])}; if not given, {_AS_PRICES_SAY}"


_watch = inspect.Parameter("watch", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Watch)
submit.__signature__ = inspect.Signature([*_options(), _watch])  # type: ignore[attr-defined]
submit.__annotations__ = {name: option.annotation for name, option in inspect.signature(submit).parameters.items()}
