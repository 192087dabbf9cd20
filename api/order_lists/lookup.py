"""Find a list by what a client calls it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar.openapi.spec import Example
from litestar.params import PathParameter

from api.errors import ProblemError
from api.orders.lookup import is_id
from commands.ids import DEFAULT_ACCOUNT, list_id

EXAMPLE_LIST = [Example(summary="A list of `make run`", value=str(list_id(DEFAULT_ACCOUNT, "first-list")))]
EXAMPLE_TWAP = [Example(summary="A TWAP of `make run`", value=str(list_id(DEFAULT_ACCOUNT, "first-twap")))]
ListId = Annotated[str, PathParameter(examples=EXAMPLE_LIST)]
TwapId = Annotated[str, PathParameter(examples=EXAMPLE_TWAP)]


def parse_list_id(text: str) -> UUID:
    """A list's id as we write them, in either case. Raises ``ProblemError``."""
    if not is_id(text):
        raise ProblemError(400, "invalid_list_id", "A list id looks like 0190f3a4-....", field="listId")
    return UUID(text)


def list_not_found(kind: str = "list") -> ProblemError:
    """Another account's list is as unknown as one that never was, and so is one of another ``kind``."""
    return ProblemError(404, "list_not_found", f"There is no such {kind}.", field="listId")
