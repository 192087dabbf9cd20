"""The streams of accounts and keys: whether they come to accounts and keys at all."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from domain.account_event import AccountEvent
from domain.directory import Directory, account_id_of
from domain.directory_events import DIRECTORY_TOPICS, AccountOpened, DirectoryEvent
from domain.errors import DomainError


def is_directory_topic(topic: str) -> bool:
    return topic in DIRECTORY_TOPICS


def directory_fault(stream_id: UUID, events: Sequence[AccountEvent]) -> str | None:
    """Why the events of a stream fold to no account or key, a sentence; None where they do."""
    directory = Directory()
    for event in events:
        if not isinstance(event, DirectoryEvent):
            return f"{type(event).__name__} is no event of an account or a key"
        try:
            if isinstance(event, AccountOpened) and account_id_of(event.name) != stream_id:
                return f"the account {event.name} has the stream of another name"
            directory.apply(stream_id, event)
        except (KeyError, DomainError) as fault:
            return f"{type(event).__name__} does not follow from what was recorded before ({type(fault).__name__})"
    return None
