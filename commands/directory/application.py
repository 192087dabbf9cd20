"""The one application of the library: opens accounts, issues and revokes keys."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.persistence import IntegrityError, Mapper, MapperDeserialisationError
from eventsourcing.utils import EnvType

from commands.directory.aggregates import AccountAggregate, KeyAggregate
from commands.directory.mapper import DirectoryMapper
from domain.directory import DEFAULT_ACCOUNT, DEFAULT_NAME, account_id_of
from domain.directory_events import Scope
from domain.errors import DomainError
from domain.limits import Limits

PREFIX = "sf_"
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class NewKey:
    """``key`` is shown this once and kept nowhere; its sha256 is in the log. ``position`` is the append's."""

    key_id: UUID
    key: str
    position: int

    def __repr__(self) -> str:
        return f"NewKey({self.key_id})"


@dataclass(frozen=True, slots=True)
class NewLimits:
    """An account's limits as they are now, by the append at ``position``."""

    limits: Limits
    position: int


def hash_of(key: str) -> str:
    """The sha256 of a key in hex. A key has 256 random bits: no salt and no slow hash would add to that."""
    return hashlib.sha256(key.encode()).hexdigest()


class DirectoryApplication(Application[UUID]):
    """Blocking, as the library is: ask it from a thread. Every method returns the position it was recorded at, 0 where
    there was nothing to record.
    """

    name = "directory"

    def __init__(self, env: EnvType) -> None:
        super().__init__({"PERSISTENCE_MODULE": "event_store.eventsourcing.factory", **env})

    def construct_mapper(self) -> Mapper[UUID]:
        return DirectoryMapper()

    def open(self, name: str, wallet: str | None, by: str) -> int:
        """Raises ``DomainError``: ``invalid_account_name``, ``account_exists``."""
        if account_id_of(name) == DEFAULT_ACCOUNT:
            raise DomainError("account_exists", "The account default exists always.", field="name")
        try:
            return self._save(AccountAggregate(name=name, wallet=wallet, by=by), account_id_of(name))
        except IntegrityError:
            raise DomainError("account_exists", f"There is an account {name} already.", field="name") from None

    def bind_wallet(self, account_id: UUID, wallet: str, by: str) -> int:
        """Raises ``DomainError``: ``account_not_found``, ``wallet_bound``."""
        account = self._account(account_id)
        account.bind_wallet(wallet, by)
        return self._save(account, account_id)

    def set_limits(self, account_id: UUID, changes: Mapping[str, Any], by: str) -> NewLimits:
        """Raises ``DomainError("account_not_found")``."""
        account = self._account(account_id)
        limits = account.limits.model_copy(update=dict(changes))
        account.set_limits(limits, by)
        return NewLimits(limits, self._save(account, account_id))

    def issue(self, account_id: UUID, scopes: tuple[Scope, ...], expires_at: datetime | None, by: str) -> NewKey:
        """Raises ``DomainError("account_not_found")``."""
        if account_id != DEFAULT_ACCOUNT:
            self._account(account_id)
        key = PREFIX + secrets.token_urlsafe(_KEY_BYTES)
        issued = KeyAggregate(account_id=account_id, key_hash=hash_of(key), scopes=scopes, expires_at=expires_at, by=by)
        return NewKey(issued.id, key, self._save(issued, account_id))

    def revoke(self, key_id: UUID, by: str) -> int:
        """Raises ``DomainError("key_not_found")``."""
        try:
            key: KeyAggregate = self.repository.get(key_id)
        except (AggregateNotFoundError, MapperDeserialisationError):
            raise _no_key(key_id) from None  # or the id is that of another stream, as an order's
        if not isinstance(key, KeyAggregate):
            raise _no_key(key_id)
        key.revoke(by)
        return self._save(key, key.account_id)

    def _account(self, account_id: UUID) -> AccountAggregate:
        try:
            account: AccountAggregate = self.repository.get(account_id)
        except AggregateNotFoundError:
            if account_id == DEFAULT_ACCOUNT:
                return AccountAggregate(name=DEFAULT_NAME, wallet=None, by="surefill")
            raise DomainError("account_not_found", "There is no such account.", field="account") from None
        return account

    def _save(self, aggregate: AccountAggregate | KeyAggregate, account_id: UUID) -> int:
        recordings = self.save(aggregate, account_id=account_id)
        return recordings[-1].notification.id if recordings else 0


def _no_key(key_id: UUID) -> DomainError:
    return DomainError("key_not_found", f"There is no key {key_id}.", field="keyId")
