"""What happened to an order. Immutable, past tense, with an explicit topic and version; the log holds nothing else.

Amounts are base units (``...BaseUnits`` in JSON), prices are quote per base. Beside its data each recorded event
has, as columns of the log: event, account, command, correlation and causation id, recorded-at, position, hash.
"""

from __future__ import annotations

from typing import TypeGuard, get_args

from domain.attempt_events import (
    AttemptExpired,
    AttemptRejected,
    BuildRejected,
    OrderRouted,
    TransactionBuilt,
    TransactionSubmitted,
)
from domain.end_events import (
    CancelEvidence,
    OrderCancelled,
    OrderConfirmed,
    OrderFailed,
    OrderRestated,
    PaperFilled,
    RestatedFor,
)
from domain.order_event import BaseOrderEvent, Observation, Purpose, Status
from domain.terms_events import (
    CancelRequested,
    OrderAmended,
    OrderReleased,
    OrderRested,
    OrderSubmitted,
    OrderTriggered,
    StopTriggered,
    TrailMoved,
)

__all__ = [
    "ORDER_EVENTS",
    "AttemptExpired",
    "AttemptRejected",
    "BaseOrderEvent",
    "BuildRejected",
    "CancelEvidence",
    "CancelRequested",
    "Observation",
    "OrderAmended",
    "OrderCancelled",
    "OrderConfirmed",
    "OrderEvent",
    "OrderFailed",
    "OrderReleased",
    "OrderRestated",
    "OrderRested",
    "OrderRouted",
    "OrderSubmitted",
    "OrderTriggered",
    "PaperFilled",
    "Purpose",
    "RestatedFor",
    "Status",
    "StopTriggered",
    "TrailMoved",
    "TransactionBuilt",
    "TransactionSubmitted",
    "is_order_event",
]

OrderEvent = (
    OrderSubmitted
    | StopTriggered
    | TrailMoved
    | OrderTriggered
    | OrderRested
    | OrderRouted
    | BuildRejected
    | TransactionBuilt
    | TransactionSubmitted
    | AttemptRejected
    | AttemptExpired
    | OrderConfirmed
    | OrderFailed
    | CancelRequested
    | OrderCancelled
    | OrderRestated
    | PaperFilled
    | OrderAmended
    | OrderReleased
)
"""Any event of an order's stream; a union, so that mypy finds the ``match`` that forgets one of them."""

ORDER_EVENTS: tuple[type[OrderEvent], ...] = get_args(OrderEvent)


def is_order_event(event: object) -> TypeGuard[OrderEvent]:
    """Whether ``event`` belongs to an order's stream."""
    return isinstance(event, BaseOrderEvent)
