"""Which orders a client wants to have cancelled: one of four fields says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from api.errors import ProblemError
from api.orders import fields
from api.orders.document import Digits, read, shown
from api.orders.lookup import pair_named, parse_order_id
from api.services import Services
from commands.ids import order_id
from domain.tokens import Pair

MOST_NAMED = 100
_FIELDS = ("ids", "clientOrderIds", "pair", "all")


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """``named`` are ids, or the client's own where ``by_client``; None: what is open, of ``pair`` if it is set."""

    named: Sequence[str] | None = None
    by_client: bool = False
    pair: Pair | None = None

    def order_id(self, account_id: UUID, name: str) -> UUID:
        """The id of one that is named. Raises ``ProblemError``."""
        if self.by_client:
            return order_id(account_id, fields.client_order_id(name, "clientOrderIds"))
        return parse_order_id(name)

    def said_of(self, name: str) -> dict[str, str]:
        """The order as the client names it."""
        return {"client_order_id" if self.by_client else "order_id": shown(name)}


def read_cancel_request(services: Services, body: bytes, content_type: str | None) -> CancelRequest:
    """Raises ``ProblemError``. A field that is ``null`` counts as absent."""
    document = {name: value for name, value in read(body, content_type).items() if value is not None}
    for name in document:
        if name not in _FIELDS:
            raise fields.invalid("unknown_field", f"There is no field {shown(name)} here.", shown(name))
    if not document:
        raise ProblemError(422, "missing_field", "Say which orders: ids, clientOrderIds, pair, or all.", field="ids")
    if len(document) > 1:
        raise ProblemError(
            422, "conflicting_fields", "One of ids, clientOrderIds, pair and all says which orders.",
            field=list(document)[1],
        )  # fmt: skip
    [(name, value)] = document.items()
    if name == "all":
        if value is not True:
            raise fields.invalid("invalid_field", "all is true.", "all")
        return CancelRequest()
    if name == "pair":
        if not isinstance(value, str) or isinstance(value, Digits):
            raise fields.invalid("invalid_field", "pair is text, as SOL/USDC.", "pair")
        return CancelRequest(pair=pair_named(services, value))
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_NAMED:
        raise ProblemError(422, "batch_size", f"{name} is a list of 1 to {MOST_NAMED}; send more in further requests.",
                           field=name)  # fmt: skip
    if not all(isinstance(one, str) and not isinstance(one, Digits) for one in value):
        raise fields.invalid("invalid_field", f"{name} is a list of text.", name)
    return CancelRequest(value, by_client=name == "clientOrderIds")
