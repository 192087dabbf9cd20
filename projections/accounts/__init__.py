"""Accounts as the application keeps them: which wallet trades for which."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from event_store.statements import statement

_WALLET = statement(__file__, "wallet")
WALLETS = statement(__file__, "wallets")
"""Every wallet that trades for an account, one a row."""


async def wallet_of(pool: AsyncConnectionPool[AsyncConnection[Any]], account_id: UUID) -> str | None:
    """The account's wallet (base58), None until a worker has bound one."""
    async with pool.connection() as connection:
        cursor = await connection.execute(_WALLET, {"account": account_id})
        row = await cursor.fetchone()
    return None if row is None else row[0]
