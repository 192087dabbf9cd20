"""What the OpenAPI document cannot learn from a handler's signature: the error answers."""

from __future__ import annotations

from http import HTTPStatus

from litestar.openapi.datastructures import ResponseSpec

from api.problems import MEDIA_TYPE, ProblemDetails


def problems(*statuses: int) -> dict[int, ResponseSpec]:
    """The error answers of a route; ``500`` goes without saying."""
    return {
        status: ResponseSpec(
            ProblemDetails,
            generate_examples=False,
            description=HTTPStatus(status).phrase,
            media_type=MEDIA_TYPE,
        )
        for status in (*statuses, 500)
    }
