"""An account and a key, as the library has them: each method decides, and its event is what changes."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from eventsourcing.domain import Aggregate, event

from commands.ids import uuid7
from domain.directory import account_id_of
from domain.directory_events import Scope
from domain.errors import DomainError
from domain.limits import NO_LIMITS, Limits


class AccountAggregate(Aggregate):
    """Its id follows from its name, so that saving a second one of a name is a conflict."""

    @staticmethod
    def create_id(name: str) -> UUID:
        return account_id_of(name)

    @event("Opened")
    def __init__(self, name: str, wallet: str | None, by: str) -> None:
        self.name = name
        self.wallet = wallet
        self.limits = NO_LIMITS
        self.last_by = by

    def bind_wallet(self, wallet: str, by: str) -> None:
        """Raises ``DomainError("wallet_bound")`` where the account has another: orders and guards depend on it."""
        if self.wallet == wallet:
            return
        if self.wallet is not None:
            raise DomainError("wallet_bound", f"The account {self.name} trades with wallet {self.wallet} for ever.")
        self._bind(wallet, by)

    @event("WalletBound")
    def _bind(self, wallet: str, by: str) -> None:
        self.wallet = wallet
        self.last_by = by

    @event("LimitsSet")
    def set_limits(self, limits: Limits, by: str) -> None:
        self.limits = limits
        self.last_by = by


class KeyAggregate(Aggregate):
    @staticmethod
    def create_id() -> UUID:
        return uuid7()

    @event("Issued")
    def __init__(
        self, account_id: UUID, key_hash: str, scopes: tuple[Scope, ...], expires_at: datetime | None, by: str
    ) -> None:
        self.account_id = account_id
        self.key_hash = key_hash
        self.scopes = scopes
        self.expires_at = expires_at
        self.revoked = False
        self.last_by = by

    def revoke(self, by: str) -> None:
        """Once; again it changes nothing."""
        if not self.revoked:
            self._revoke(by)

    @event("Revoked")
    def _revoke(self, by: str) -> None:
        self.revoked = True
        self.last_by = by
