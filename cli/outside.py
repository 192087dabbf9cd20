"""What `surefill recover` reads of the chain: what was executed outside of the log, and which open orders were."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from chains.guard import GuardKey
from chains.wallet_history import WalletHistory
from commands.ids import DEFAULT_ACCOUNT
from commands.recovery import OpenOrder
from runtime.composition import Store
from runtime.preconditions import require_wallet
from runtime.roles.wallet_history import reading
from runtime.roles.worker import guard_key_of
from runtime.settings import Settings
from workers.history.reader import HistoryReader
from workers.history.recovery import Outside, OutsideReader

SHOWN_EVERY_S = 5.0


class OutsideOrders:
    """The wallet's history over every endpoint, and the guards of open orders."""

    def __init__(self, store: Store, reader: HistoryReader, wallet: str, guard_key: GuardKey) -> None:
        self._reader = reader
        self._outside = OutsideReader(reader, store.accounts, store.foreign, store.foreign_reclaims, DEFAULT_ACCOUNT)
        self._wallet = wallet
        self._guard_key = guard_key
        self._shown = time.monotonic()

    async def record(self) -> Outside:
        """Record what the log doesn't know, once nothing can land any more; how long that takes is said on stderr."""
        return await self._outside.record(self._wallet, self._show)

    async def guarded(self, orders: Sequence[OpenOrder], outside: Outside) -> set[UUID]:
        """Those of the open ``orders`` whose guard the chain shows: they were executed, by what nobody shows."""
        guards = {self._guard(one): one.order_id for one in orders}
        there = await self._reader.guards_there(list(guards), outside.tips)
        return {guards[guard] for guard in there}

    def _guard(self, one: OpenOrder) -> str:
        made = one.loaded.order.guard if one.loaded and one.loaded.order else None
        return made or self._guard_key.of_order(self._wallet, one.order_id).address

    def _show(self, blocks: int) -> None:
        if time.monotonic() >= self._shown:
            print(f"what was signed may still land: waiting for {blocks} blocks", file=sys.stderr)
            self._shown = time.monotonic() + SHOWN_EVERY_S


@asynccontextmanager
async def outside_orders(settings: Settings, store: Store) -> AsyncIterator[OutsideOrders]:
    """Over the endpoints of the settings, once log, chain and wallet are known to belong together.

    Raises ``StartupError`` where they don't, ``ChainUnavailableError`` where the main endpoint doesn't answer.
    """
    async with WalletHistory(settings.solana_rpc_url) as main:
        genesis_hash = await main.genesis_hash()
    wallet = await require_wallet(store.pool, store.mapper, genesis_hash, settings.wallet_source)
    async with reading(settings, store, wallet.address, genesis_hash) as reader:
        yield OutsideOrders(store, reader, wallet.address, guard_key_of(settings, wallet))
