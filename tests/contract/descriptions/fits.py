"""Compare what was recorded with the descriptions it has to fit; say what doesn't, and exit with 1.

``python -m tests.contract.descriptions.fits FILE DIRECTORY...``, in the environment of tests/contract/requirements.txt:
each exchange of FILE is held against the description of its name in one of the directories. So that a check that sees
nothing is no success, each is spoiled, too: a request without what it asks, an answer of another kind, has to differ.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

from tests.contract.descriptions.deviations import NOT_DESCRIBED, known
from tests.contract.descriptions.exchange import Exchange, kept

_SHOWN = 200


@cache
def description_of(name: str, directories: tuple[Path, ...]) -> OpenAPI | None:
    found = (directory / name for directory in directories if (directory / name).is_file())
    path = next(found, None)
    return OpenAPI.from_file_path(path) if path else None


def faults(exchange: Exchange, description: OpenAPI) -> Iterator[str]:
    """In what the request, or the answer, differs from the description; what is known to differ rightly is left out."""
    url = exchange.url or description.spec["servers"][0]["url"]
    asked = None if exchange.asked is None else json.dumps(exchange.asked).encode()
    request = MockRequest(
        url, exchange.method, exchange.path, args=exchange.query, headers=exchange.headers, data=asked
    )
    response = MockResponse(exchange.answer.encode(), status_code=exchange.status)
    yield from _faults("request", exchange, lambda: description.validate_request(request))
    yield from _faults("answer", exchange, lambda: description.validate_response(request, response))


def _faults(part: str, exchange: Exchange, check: Callable[[], object]) -> Iterator[str]:
    try:
        check()
    except OpenAPIError as error:
        errors: list[Any] = list(getattr(error.__cause__, "schema_errors", ()))
        for one in errors:
            path = ".".join(str(step) for step in one.absolute_path)
            if not known(exchange.description, part, path, one.validator):
                yield f"{part}: {path}: {one.validator}: {one.message[:_SHOWN]}"
        if not errors:
            yield f"{part}: {error.__cause__ or error}"


def spoiled(exchange: Exchange) -> tuple[Exchange, Exchange]:
    """The exchange with a request that asks nothing, and with an answer whose values are of another kind."""
    answer = json.loads(exchange.answer)
    names = {"result"} & answer.keys() or answer.keys()
    others = {name: [] if isinstance(answer[name], str) else "another kind" for name in names}
    return replace(exchange, query={}, asked={}), replace(exchange, answer=json.dumps(answer | others))


def unseen(exchange: Exchange, description: OpenAPI) -> Iterator[str]:
    """What is spoiled in the request, or in the answer, and doesn't differ."""
    for part, one in zip(("request", "answer"), spoiled(exchange), strict=True):
        failed = exchange.status != HTTPStatus.OK or "error" in json.loads(exchange.answer)
        if not (part == "answer" and failed) and not any(fault.startswith(part) for fault in faults(one, description)):
            yield f"{part}: SPOILED, and it fits all the same"


def main(path: Path, directories: tuple[Path, ...]) -> int:
    compared, missing, found = Counter[str](), set[str](), Counter[str]()
    for exchange in kept(path):
        description = description_of(exchange.description, directories)
        if description is None:
            missing.add(exchange.description)
            continue
        compared[exchange.description] += 1
        who = "of the engine" if exchange.by_us else "asked beside"
        wrong = [*faults(exchange, description), *unseen(exchange, description)]
        found.update(f"{exchange.description}, {who}, {fault}" for fault in wrong)
    for name, times in sorted(compared.items()):
        print(f"{name:40} {times:5} forms compared")
    for name in sorted(missing):
        print(f"{name:40}       not described: {NOT_DESCRIBED.get(name, 'FOR NO KNOWN REASON')}")
    for fault, times in sorted(found.items()):
        print(f"DIFFERS {fault} ({times} times)")
    return 1 if found or not compared or missing - NOT_DESCRIBED.keys() else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), tuple(Path(one) for one in sys.argv[2:])))
