"""Compares the wallet's history with the log, under its lease; and the gate that who signs or ends waits at for it."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from chains.wallet_history import WalletHistory
from commands.ids import DEFAULT_ACCOUNT
from runtime.composition import Store, lease_of
from runtime.preconditions import require_wallet
from runtime.roles.parts import Parts
from runtime.settings import Settings
from workers.history.reader import HistoryReader
from workers.history.table import HistoryTable
from workers.history.watch import HISTORY, HistoryWatch, Pace

LOOK_EVERY_S = 0.1
ASK_EVERY_S = 1.0


async def run(parts: Parts) -> None:
    settings, store = parts.settings, parts.store
    genesis_hash = await parts.market.identity.confirmed()
    wallet = await require_wallet(store.pool, store.mapper, genesis_hash, settings.wallet_source)
    async with (
        reading(settings, store, wallet.address, genesis_hash) as reader,
        lease_of(store, HISTORY).hold() as lease,
    ):
        await compose(store, reader).run(lease)


def compose(store: Store, reader: HistoryReader, pace: Pace | None = None) -> HistoryWatch:
    """The watch over these parts."""
    return HistoryWatch(
        reader,
        HistoryTable(store.pool, DEFAULT_ACCOUNT),
        store.events,
        store.accounts,
        store.foreign,
        DEFAULT_ACCOUNT,
        store.history_wanted,
        pace,
    )


@asynccontextmanager
async def reading(settings: Settings, store: Store, wallet: str, genesis_hash: str) -> AsyncIterator[HistoryReader]:
    """A reader over every endpoint of the settings."""
    urls = (settings.solana_rpc_url, *settings.solana_evidence_rpc_urls)
    async with AsyncExitStack() as stack:
        histories = [await stack.enter_async_context(WalletHistory(url)) for url in urls]
        yield HistoryReader(
            histories,
            store.foreign,
            store.foreign_reclaims,
            account_id=DEFAULT_ACCOUNT,
            wallet=wallet,
            genesis_hash=genesis_hash,
        )


@dataclass(frozen=True, slots=True)
class HistoryGate:
    """Opens once a comparison that began after this was made has found nothing unknown, in whichever process."""

    store: Store
    table: HistoryTable
    begun: int

    @classmethod
    async def of(cls, store: Store) -> HistoryGate:
        table = HistoryTable(store.pool, DEFAULT_ACCOUNT)
        return cls(store, table, (await table.numbers()).begun)

    async def opened(self) -> None:
        # It may be another process that compares, and it may begin to listen later than this one asks.
        asked = -math.inf
        while (await self.table.numbers()).completed <= self.begun:
            if time.monotonic() - asked >= ASK_EVERY_S:
                self.store.notifier.publish("history")
                asked = time.monotonic()
            await asyncio.sleep(LOOK_EVERY_S)
