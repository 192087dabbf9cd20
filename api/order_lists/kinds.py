"""The kinds of lists there are."""

from __future__ import annotations

from typing import Any

from api.errors import ProblemError
from api.order_lists.kind import ListKind
from api.order_lists.linked import LinkedOrders
from api.order_lists.twap import TwapKind

LIST_KINDS: tuple[ListKind, ...] = (LinkedOrders(), TwapKind())


def kind_named(word: Any) -> ListKind:
    """Raises ``ProblemError``."""
    if word is None:
        raise ProblemError(422, "missing_field", "kind is needed.", field="kind")
    found = next((kind for kind in LIST_KINDS if isinstance(word, str) and word in kind.words), None)
    if found is None:
        words = ", ".join(word for kind in LIST_KINDS for word in kind.words)
        raise ProblemError(422, "unknown_list_kind", f"A list is one of: {words}.", field="kind")
    return found
