"""Who asks. Handlers know an account by this alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from litestar.di import NamedDependency
from litestar.params import SkipValidation
from litestar.types import Scope as AsgiScope

from api.services import InjectedServices
from domain.directory import DEFAULT_ACCOUNT, DEFAULT_NAME
from domain.directory_events import SCOPES, Scope


@dataclass(frozen=True, slots=True)
class Caller:
    """The request may see and touch the orders of ``account_id`` alone; ``key_id`` is None without a key."""

    account_id: UUID
    name: str
    scopes: frozenset[Scope]
    key_id: UUID | None = None

    @property
    def shown(self) -> str:
        """Who it was, as it is recorded with what was asked for."""
        return f"key {self.key_id}" if self.key_id else self.name


KEYLESS = Caller(DEFAULT_ACCOUNT, DEFAULT_NAME, frozenset(SCOPES))
"""Whoever asks without a key where that is allowed: from this machine alone."""


def caller_of(scope: AsgiScope, services: InjectedServices) -> Caller:
    """Litestar's dependency; the authentication has put it there.

    It takes ``services`` to be resolved after them: two at once would cost each request a task group, 5 % of an order.
    """
    caller: Caller = scope["user"]
    return caller


InjectedCaller: TypeAlias = NamedDependency[SkipValidation[Caller]]
"""The type of a handler's parameter ``caller``, which Litestar fills in."""
