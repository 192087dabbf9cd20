"""``If-Match: "3"``: which version of an order a client has seen, so that it changes no other."""

from __future__ import annotations

import re
from typing import Annotated, Final

from litestar.params import HeaderParameter

from api.errors import ProblemError

IF_MATCH: Final = "If-Match"
_ETAG = re.compile(r'"([1-9]\d{0,8})"', re.ASCII)

IfMatch = Annotated[
    str | None,
    HeaderParameter(name=IF_MATCH, description='Needed: the `ETag` of the order as you have seen it, as `"3"`.'),
]


def version_seen(sent: str | None) -> int:
    """The version that it names. Raises ``ProblemError``: ``precondition_required``, ``invalid_precondition``."""
    if sent is None:
        raise ProblemError(
            428, "precondition_required", f"{IF_MATCH} says which version is to be amended: its ETag.", field=IF_MATCH
        )
    found = _ETAG.fullmatch(sent.strip())
    if found is None:
        raise ProblemError(422, "invalid_precondition", f'{IF_MATCH} is one version in quotes: "3".', field=IF_MATCH)
    return int(found[1])
