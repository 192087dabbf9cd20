"""What Schemathesis can't know: a refusal has a code of docs/errors.md, with the status that stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import schemathesis

_ROW = re.compile(r"^\| `([a-z_]+)` \| (\d{3}) \|", re.MULTILINE)
_DOCUMENT = Path(__file__).parents[2] / "docs" / "errors.md"
STATUSES = {code: int(status) for code, status in _ROW.findall(_DOCUMENT.read_text())}


@schemathesis.check
def documented_refusal(_: Any, response: Any, case: Any) -> None:
    """Also of a request that the document allows: then the code says what stands in its way."""
    if response.status_code < 400:
        return
    kind = response.headers.get("content-type", [""])[0]
    assert kind.startswith("application/problem+json"), f"{case.method} {case.path}: {response.status_code} as {kind!r}"
    problem = response.json()
    assert problem["code"] != "internal_error", "a fault of ours; the engine has logged it"
    expected = STATUSES.get(problem["code"])
    assert expected == response.status_code, f"{problem['code']} is answered {response.status_code}, not {expected}"
    assert isinstance(problem["retryable"], bool)
