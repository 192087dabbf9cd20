"""What is recorded of the directory: which accounts there are, and which keys may act for them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args
from uuid import UUID

from domain.account_event import AccountEvent
from domain.limits import Limits

Scope = Literal["read", "trade", "admin"]
"""What a key is for: ``read`` and ``trade`` an account's orders; ``admin`` is engine-wide and reads no orders."""

SCOPES: tuple[Scope, ...] = get_args(Scope)


class DirectoryEvent(AccountEvent):
    """``at`` is when it was decided, by the clock of who decided; ``by`` says who."""

    at: datetime
    by: str


class AccountOpened(DirectoryEvent):
    """The account exists, the first event of its stream. ``wallet`` (base58) trades for it; None where it has none
    yet.
    """

    TOPIC = "account.AccountOpened"

    name: str
    wallet: str | None = None


class WalletBound(DirectoryEvent):
    """``wallet`` trades for the account from here on, and no other ever does."""

    TOPIC = "account.WalletBound"

    wallet: str


class KeyIssued(DirectoryEvent):
    """A key may act for the account, the first event of its stream. ``key_hash`` is the sha256 of the key, in hex; the
    key itself is recorded nowhere. It ends at ``expires_at``; None: when it is revoked.
    """

    TOPIC = "account.KeyIssued"
    secret = frozenset({"key_hash"})

    account_id: UUID
    key_hash: str
    scopes: tuple[Scope, ...]
    expires_at: datetime | None = None


class KeyRevoked(DirectoryEvent):
    """The key opens nothing any more."""

    TOPIC = "account.KeyRevoked"


class LimitsSet(DirectoryEvent):
    """What the account may do at most from here on; orders that were taken before stay."""

    TOPIC = "account.LimitsSet"

    limits: Limits


DIRECTORY_EVENTS: tuple[type[DirectoryEvent], ...] = (AccountOpened, WalletBound, KeyIssued, KeyRevoked, LimitsSet)
DIRECTORY_TOPICS = frozenset(event.TOPIC for event in DIRECTORY_EVENTS)
