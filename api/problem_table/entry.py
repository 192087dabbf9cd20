"""One row of the table of problems."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """A problem's stable ``code``, its HTTP ``status``, and for people when it is answered and what to do about it.

    ``retryable``: the same request may be taken when it is sent again later, and sending it again does no harm. Of an
    order that holds with its client order id: without one, an order that was recorded after all would be a second one.
    """

    code: str
    status: int
    retryable: bool
    when: str
    remedy: str
