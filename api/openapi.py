"""What the OpenAPI document cannot learn from a handler's signature: the error answers."""

from __future__ import annotations

from http import HTTPStatus

from litestar.openapi.datastructures import ResponseSpec

from api.problems import MEDIA_TYPE, ProblemDetails

_OF_EVERY_ROUTE = (400, 403, 408, 413, 431, 500, 503)


def problems(*statuses: int) -> dict[int, ResponseSpec]:
    """The error answers of a route; those of every route go without saying: who may not ask, a request that is too long
    or too slow, too many at once, and a fault of ours.
    """
    return {
        status: ResponseSpec(
            ProblemDetails,
            generate_examples=False,
            description=HTTPStatus(status).phrase,
            media_type=MEDIA_TYPE,
        )
        for status in (*statuses, *_OF_EVERY_ROUTE)
    }
