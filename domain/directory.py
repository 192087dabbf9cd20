"""The accounts and keys there are: the fold of the directory's events, in the order of the log."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid5

from domain.directory_events import AccountOpened, DirectoryEvent, KeyIssued, KeyRevoked, LimitsSet, Scope, WalletBound
from domain.errors import DomainError
from domain.limits import NO_LIMITS, Limits

DEFAULT_ACCOUNT = UUID("00000000-0000-7000-8000-000000000001")
DEFAULT_NAME = "default"
_NAMES = UUID("6b1f5e7c-6c1b-5d0a-9a35-6f3a1f0f7c55")
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,38}[a-z0-9])?", re.ASCII)


def account_id_of(name: str) -> UUID:
    """The id of the account of that name: the same for ever, so the log refuses a second account of a name.

    Raises ``DomainError("invalid_account_name")``.
    """
    if not _NAME.fullmatch(name):
        raise DomainError(
            "invalid_account_name",
            "An account's name is 1 to 40 of a-z 0-9 . _ -, and begins and ends with a letter or a digit.",
            field="name",
        )
    return DEFAULT_ACCOUNT if name == DEFAULT_NAME else uuid5(_NAMES, name)


@dataclass(frozen=True, slots=True)
class Account:
    """``wallet`` (base58) is None where none is bound; that of the default account is the engine's, and not known here
    either.
    """

    account_id: UUID
    name: str
    wallet: str | None = None
    limits: Limits = NO_LIMITS


@dataclass(frozen=True, slots=True)
class Key:
    key_id: UUID
    account_id: UUID
    key_hash: str
    scopes: tuple[Scope, ...]
    expires_at: datetime | None
    revoked: bool = False

    def is_valid(self, now: datetime) -> bool:
        return not self.revoked and (self.expires_at is None or now < self.expires_at)


class Directory:
    """Begins with the default account, which no event opens. ``by_hash`` finds a key by the sha256 of what was sent."""

    def __init__(self) -> None:
        default = Account(DEFAULT_ACCOUNT, DEFAULT_NAME)
        self.accounts: dict[UUID, Account] = {DEFAULT_ACCOUNT: default}
        self.keys: dict[UUID, Key] = {}
        self._by_hash: dict[str, Key] = {}

    def by_hash(self, key_hash: str) -> Key | None:
        return self._by_hash.get(key_hash)

    def named(self, name: str) -> Account | None:
        return self.accounts.get(account_id_of(name))

    def apply(self, stream_id: UUID, event: DirectoryEvent) -> None:
        """Take the stream's next event; one that was taken before changes nothing."""
        match event:
            case AccountOpened():
                self.accounts[stream_id] = Account(stream_id, event.name, event.wallet)
            case WalletBound():
                before = self.accounts[stream_id]
                self.accounts[stream_id] = replace(before, wallet=event.wallet)
            case LimitsSet():
                self.accounts[stream_id] = replace(self.accounts[stream_id], limits=event.limits)
            case KeyIssued():
                self._keep(Key(stream_id, event.account_id, event.key_hash, event.scopes, event.expires_at))
            case KeyRevoked():
                self._keep(replace(self.keys[stream_id], revoked=True))

    def _keep(self, key: Key) -> None:
        if (before := self.keys.get(key.key_id)) and before.revoked:
            return
        self.keys[key.key_id] = self._by_hash[key.key_hash] = key
