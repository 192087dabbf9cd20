"""What the client's commands read of an engine's answer: where it isn't there, something else has answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def is_accepted(body: Mapping[str, Any]) -> bool:
    """The answer to an order that was taken."""
    return _has(body, str, "orderId", "status", "side", "pair")


def is_order(body: Mapping[str, Any]) -> bool:
    """One order."""
    return _has(body, str, "orderId", "status") and _has(body, int, "version")


def is_page(body: Mapping[str, Any]) -> bool:
    """A page of orders, with the cursor of the next one or None."""
    items = body.get("items")
    return (
        isinstance(items, list)
        and all(isinstance(item, dict) and _has(item, str, "orderId", "status") for item in items)
        and "next" in body
    )


def is_message(body: object) -> bool:
    """One message of an order's stream."""
    return isinstance(body, dict) and _has(body, str, "status") and _has(body, int, "sequence", "timestamp")


def _has(body: Mapping[str, Any], kind: type, *names: str) -> bool:
    return all(isinstance(body.get(name), kind) for name in names)
