"""What is asked of the directory, from the command line or an admin's route."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from eventsourcing.persistence import OperationalError, PersistenceError
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from commands.account_use import UNSETTLE
from commands.directory.application import DirectoryApplication, NewKey, NewLimits
from commands.known_accounts import KnownAccounts
from domain.directory import Account, account_id_of
from domain.directory_events import Scope
from domain.errors import DomainError
from domain.limits import Limits
from event_store.errors import LogUnavailableError
from event_store.eventsourcing.factory import environment
from event_store.notifier import Notifier
from event_store.statements import statement

_CLAIM = statement(__file__, "claim_wallet")

T = TypeVar("T")


class DirectoryCommands:
    """Runs the library's application in a thread, made when it is first needed; other processes are woken after it.

    Where ``known`` is given, what was recorded is known there, too, when a method returns: who made a key may use it.
    Every method raises ``LogUnavailableError`` where PostgreSQL can't be reached; then nothing is known to be recorded.
    """

    def __init__(
        self,
        database_url: str,
        pool: AsyncConnectionPool[AsyncConnection[Any]],
        notifier: Notifier | None,
        known: KnownAccounts | None = None,
    ) -> None:
        self._database_url = database_url
        self._pool = pool
        self._notifier = notifier
        self._known = known
        self._application: DirectoryApplication | None = None
        self._turn = asyncio.Lock()

    async def open(self, name: str, wallet: str | None, *, by: str) -> Account:
        """A new account. Raises ``DomainError``: ``invalid_account_name``, ``account_exists``, ``wallet_taken``."""
        account = Account(account_id_of(name), name, wallet)
        if wallet is not None and await self._claim(account.account_id, wallet) != wallet:
            raise DomainError("account_exists", f"There is an account {name} already.", field="name")
        await self._run(lambda application: application.open(name, wallet, by))
        return account

    async def bind_wallet(self, account_id: UUID, wallet: str, *, by: str) -> None:
        """The wallet of an account that has none. Raises ``DomainError``: ``account_not_found``, ``wallet_taken``,
        ``wallet_bound``.
        """
        if await self._claim(account_id, wallet) != wallet:
            raise DomainError("wallet_bound", "The account trades with another wallet.")
        await self._run(lambda application: application.bind_wallet(account_id, wallet, by))

    async def bind_any_wallet(self, account_id: UUID, wallet: str, *, by: str) -> None:
        """As ``bind_wallet``, but the wallet that the account has claimed already, where a process ended in between."""
        claimed = await self._claim(account_id, wallet) or wallet
        await self._run(lambda application: application.bind_wallet(account_id, claimed, by))

    async def issue(
        self, account_id: UUID, scopes: tuple[Scope, ...], expires_at: datetime | None, *, by: str
    ) -> NewKey:
        """A new key of the account. Raises ``DomainError("account_not_found")``."""
        made: list[NewKey] = []

        def issue(application: DirectoryApplication) -> int:
            made.append(application.issue(account_id, scopes, expires_at, by))
            return made[0].position

        await self._run(issue)
        return made[0]

    async def set_limits(self, account_id: UUID, changes: Mapping[str, Any], *, by: str) -> Limits:
        """The account's limits with ``changes``, by the names of their fields. Raises
        ``DomainError("account_not_found")``.
        """
        # What was taken while nothing was limited is counted before the next order is.
        try:
            async with self._pool.connection() as connection:
                await connection.execute(UNSETTLE, {"account": account_id})
        except psycopg.Error as error:
            raise LogUnavailableError(f"the account's limits can't be written: {type(error).__name__}") from None
        made: list[NewLimits] = []

        def set_limits(application: DirectoryApplication) -> int:
            made.append(application.set_limits(account_id, changes, by))
            return made[-1].position

        await self._run(set_limits)
        return made[-1].limits

    async def revoke(self, key_id: UUID, *, by: str) -> None:
        """Raises ``DomainError("key_not_found")``. Again it changes nothing."""
        await self._run(lambda application: application.revoke(key_id, by))

    def close(self) -> None:
        if self._application is not None:
            self._application.close()

    async def _run(self, work: Callable[[DirectoryApplication], int]) -> None:
        # One connection, one command at a time: they are rare.
        async with self._turn:
            try:
                position = await asyncio.to_thread(self._do, work)
            except PersistenceError as error:
                reason = "it can't be reached" if isinstance(error, OperationalError) else type(error).__name__
                raise LogUnavailableError(f"the directory can't be written: {reason}") from None
        if position and self._notifier is not None:
            self._notifier.publish("log", position)
        if position and self._known is not None:
            await self._known.reached(position)

    def _do(self, work: Callable[[DirectoryApplication], int]) -> int:
        if self._application is None:
            env = environment(self._database_url, application_name="surefill directory")
            self._application = DirectoryApplication(env)
        return work(self._application)

    async def _claim(self, account_id: UUID, wallet: str) -> str | None:
        """The wallet the account has now."""
        async with self._pool.connection() as connection:
            try:
                cursor = await connection.execute(_CLAIM, {"account": account_id, "wallet": wallet})
                row = await cursor.fetchone()
            except psycopg.errors.UniqueViolation:
                raise DomainError(
                    "wallet_taken", f"Another account trades with wallet {wallet}.", field="wallet"
                ) from None
        return None if row is None else row[0]
