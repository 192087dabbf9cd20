"""What an admin gives for each limit, read strictly; also for `surefill accounts limits`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from api.admin import bodies
from api.orders import fields
from api.orders.document import Digits
from domain.tokens import TokenList, pair_of

_MOST = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Known:
    """What an allow-list may name."""

    tokens: TokenList
    venues: Collection[str]


Reader = Callable[[Known, Any, str], Any]
"""Of a value and the name it was given under; raises ``ProblemError``."""


def _notional(_: Known, value: Any, name: str) -> Any:
    return fields.price(value, name)


def _count(least: int) -> Callable[[Known, Any, str], int]:
    def read(_: Known, value: Any, name: str) -> int:
        if isinstance(value, Digits) and value.isascii() and value.isdigit() and least <= int(value[:12]) <= _MOST:
            return int(value)
        raise bodies.invalid_field(f"{name} is a whole number, {least} to {_MOST}.", name)

    return read


def _texts(value: Any, name: str) -> list[str]:
    if not isinstance(value, list) or any(not isinstance(one, str) or isinstance(one, Digits) for one in value):
        raise bodies.invalid_field(f"{name} is a list of text.", name)
    return value


def _pairs(known: Known, value: Any, name: str) -> tuple[str, ...]:
    found = []
    for text in _texts(value, name):
        tokens = [known.tokens.find(one) for one in text.split("/")]
        if len(tokens) != 2 or tokens[0] is None or tokens[1] is None or tokens[0] == tokens[1]:
            raise bodies.invalid_field(f"{name} names a pair that isn't known here; GET /api/pairs lists them.", name)
        found.append(pair_of(tokens[0], tokens[1]).symbol)
    return tuple(dict.fromkeys(found))


def _venues(known: Known, value: Any, name: str) -> tuple[str, ...]:
    texts = _texts(value, name)
    names = {venue.casefold(): venue for venue in known.venues}
    found = [names.get(text.casefold()) for text in texts]
    if None in found:
        raise bodies.invalid_field(f"{name} names a venue that isn't known here; GET /api/network lists them.", name)
    return tuple(dict.fromkeys(venue for venue in found if venue))


READERS: dict[str, tuple[str, Reader]] = {
    "maxOrderNotional": ("max_order_notional", _notional),
    "maxOpenOrders": ("max_open_orders", _count(0)),
    "maxDailyNotional": ("max_daily_notional", _notional),
    "maxOpenNotional": ("max_open_notional", _notional),
    "ordersPerMinute": ("orders_per_minute", _count(1)),
    "pairs": ("pairs", _pairs),
    "venues": ("venues", _venues),
    "priceBandBps": ("price_band_bps", _count(0)),
}
"""By its name in the API: the field of ``Limits``, and how it is read."""


def changes(known: Known, given: Mapping[str, Any]) -> dict[str, Any]:
    """The changed fields of ``Limits``, of what was given by the API's names; None lifts one.

    Raises ``ProblemError`` with the name at fault.
    """
    found = {}
    for name, value in given.items():
        field, read = READERS[name]
        found[field] = None if value is None else read(known, value, name)
    return found
