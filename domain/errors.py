"""Refusals of the domain: each has a stable code that clients may branch on."""

from __future__ import annotations

from domain.account import Contradiction


class DomainError(Exception):
    """A refused command. ``code`` is stable, ``detail`` is a sentence, ``field`` names the input at fault."""

    def __init__(self, code: str, detail: str, *, field: str | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.field = field


class NotApplicableError(DomainError):
    """The order has moved on: what was learned no longer applies to it. A hint that came late or twice; not a fault."""

    def __init__(self, detail: str) -> None:
        super().__init__("not_applicable", detail)


class PositionLostError(DomainError):
    """A position of an epoch's lost end: the log was put back to ``ended_at`` since it was given out; None where the
    epoch is lost whole, for the log doesn't say where it had begun. ``field`` is what the position came in.
    """

    def __init__(self, ended_at: str | None, *, field: str = "position") -> None:
        lost = "the whole epoch that it is of" if ended_at is None else f"what came after position {ended_at}"
        super().__init__(
            "position_lost",
            f"The log was put back, and has lost {lost}. Ask without a {field}, and send the orders that are missing "
            "again, each under its clientOrderId.",
            field=field,
        )
        self.ended_at = ended_at


class LandedAfterEndError(DomainError):
    """The chain shows a transaction of an order whose end is already recorded otherwise: money moved unaccounted."""

    def __init__(self, kind: Contradiction, detail: str) -> None:
        super().__init__("landed_after_end", detail)
        self.kind = kind
