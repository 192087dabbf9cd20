"""What is recorded of an account's dead-man's switch."""

from __future__ import annotations

from datetime import datetime

from domain.account_event import AccountEvent


class DeadmanSet(AccountEvent):
    """What is open is to be cancelled at ``cancel_at``; None: it isn't any more. ``by`` is who asked for it."""

    TOPIC = "account.DeadmanSet"

    cancel_at: datetime | None
    by: str


class DeadmanFired(AccountEvent):
    """``cancel_at`` came, and nobody had said otherwise: from here on what was open then is cancelled."""

    TOPIC = "account.DeadmanFired"

    cancel_at: datetime


class DeadmanFinished(AccountEvent):
    """Each order that was open was cancelled, or asked to: how many, by what became of them then."""

    TOPIC = "account.DeadmanFinished"

    cancel_at: datetime
    cancelled: int
    pending: int
    too_late: int
    refused: int
