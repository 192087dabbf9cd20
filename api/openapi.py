"""What the OpenAPI document cannot learn from a handler's signature: examples, and the error answers."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, ClassVar

import msgspec
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example, OpenAPIMediaType, OpenAPIResponse, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType

from api.problems import MEDIA_TYPE, ProblemDetails

EXAMPLES = Path(__file__).with_name("examples")
"""A file for each operation, named by its id: a request as pasted into a shell beside a new engine, and the answer."""

EXAMPLE_ORDER_ID = "5af25e0b-0430-5a7b-997d-3457d89c04ab"
"""The first order of every engine that was started with ``make run``."""

EXAMPLE_ORDER = [Example(summary="The first order of `make run`", value=EXAMPLE_ORDER_ID)]

_PROBLEMS: dict[str, dict[str, Any]] = json.loads((EXAMPLES / "problems.json").read_text())

# Who may not ask, what can't be read, is too long or too slow, too many requests at once, and a fault of ours.
_OF_EVERY_ROUTE = (
    *("bad_request", "invalid_host", "host_not_allowed", "origin_not_allowed", "request_timeout", "body_too_large"),
    *("headers_too_large", "overloaded", "stopping", "internal_error"),
)

_OF_A_KEY = ("unauthenticated", "scope_missing", "rate_limited", "invalid_query")


@dataclass
class DocumentedOperation(Operation):
    """An operation with a request that can be pasted, and an answer as an engine gave it."""

    def __post_init__(self) -> None:
        if self.operation_id is None:
            return
        recorded = json.loads((EXAMPLES / f"{self.operation_id}.json").read_text())
        request = f"```sh\n{recorded['request']}\n```"
        self.description = f"{self.description}\n\n{request}" if self.description else request
        if "answer" in recorded:
            # Raw, for Litestar would leave out what is null.
            answer = msgspec.Raw(msgspec.json.encode(recorded["answer"]))
            example = Example(summary="From the local chain", value=answer)
            # Litestar puts the success first, before the error answers.
            success = next(iter((self.responses or {}).values()))
            if isinstance(success, OpenAPIResponse):
                for content in (success.content or {}).values():
                    content.examples = {"recorded": example}


def an_object(title: str, required: list[str], **properties: Schema) -> Schema:
    return Schema(
        title=title,
        type=OpenAPIType.OBJECT,
        required=required,
        additional_properties=False,
        properties={**properties},
    )


def or_null(schema: Schema, description: str | None = None) -> Schema:
    return Schema(any_of=[schema, Schema(type=OpenAPIType.NULL)], description=description)


@dataclass
class BodyOperation(DocumentedOperation):
    """``body`` and one ``example`` of it."""

    body: ClassVar[Schema]
    example: ClassVar[Any]

    def __post_init__(self) -> None:
        super().__post_init__()
        content = OpenAPIMediaType(schema=self.body, examples={"example": Example(value=self.example)})
        self.request_body = RequestBody(required=True, content={"application/json": content})


def recorded_answer(operation_id: str) -> Example:
    """The answer that an engine gave to that operation."""
    recorded = json.loads((EXAMPLES / f"{operation_id}.json").read_text())
    # Raw, for Litestar would leave out what is null.
    return Example(summary="From the local chain", value=msgspec.Raw(msgspec.json.encode(recorded["answer"])))


def problems(*codes: str, needs_key: bool = True) -> dict[int, ResponseSpec]:
    """The error answers of a route: those of every route, and ``codes``, which its clients are likely to meet.

    docs/errors.md has all codes.
    """
    by_status: dict[int, list[Example]] = defaultdict(list)
    for code in dict.fromkeys((*codes, *(_OF_A_KEY if needs_key else ()), *_OF_EVERY_ROUTE)):
        body = _PROBLEMS[code]
        by_status[body["status"]].append(Example(summary=code, value=body))
    return {
        status: ResponseSpec(
            ProblemDetails,
            generate_examples=False,
            description=HTTPStatus(status).phrase,
            media_type=MEDIA_TYPE,
            examples=examples,
        )
        for status, examples in by_status.items()
    }
