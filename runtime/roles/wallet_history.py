"""Compares the wallet's history with the log, under its lease; and the gate that who signs or ends waits at for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from chains.wallet_history import WalletHistory
from commands.ids import DEFAULT_ACCOUNT
from event_store.processors.leases import Lease
from runtime.composition import Store, lease_of
from runtime.preconditions import require_wallet
from runtime.roles.parts import Parts
from runtime.settings import Settings
from workers.history.reader import HistoryReader
from workers.history.table import HistoryTable
from workers.history.watch import HISTORY, HistoryWatch, Pace

# In seconds: how often is looked at first, for how long, and how often after that: a node may be away for hours, and
# each account's gate waits for it.
SOON_S, AT_FIRST_S, LOOK_EVERY_S = 0.1, 2.0, 1.0


async def run(parts: Parts) -> None:
    settings, store = parts.settings, parts.store
    genesis_hash = await parts.market.identity.confirmed()
    wallet = await require_wallet(store.pool, store.mapper, genesis_hash, settings.wallet_source)
    await store.known_accounts.load()
    async with (
        reading(settings, store, wallet.address, genesis_hash) as reader,
        lease_of(store, HISTORY).hold() as lease,
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(compose(store, reader).run(lease))
        await _compare_others(parts, genesis_hash, lease, tasks)


async def _compare_others(parts: Parts, genesis_hash: str, lease: Lease, tasks: asyncio.TaskGroup) -> None:
    """The same for each further account's wallet, those that come later included."""
    accounts, begun, changed = parts.store.known_accounts, {DEFAULT_ACCOUNT}, asyncio.Event()
    stop = accounts.when_changed(changed.set)
    try:
        while True:
            changed.clear()
            for account in accounts.accounts:
                if account.wallet is not None and account.account_id not in begun:
                    begun.add(account.account_id)
                    tasks.create_task(_compare(parts, genesis_hash, lease, account.account_id, account.wallet))
            await changed.wait()
    finally:
        stop()


async def _compare(parts: Parts, genesis_hash: str, lease: Lease, account_id: UUID, wallet: str) -> None:
    wanted = asyncio.Event()
    stop = parts.store.notifier.listen("history", lambda _: wanted.set())
    try:
        async with reading(parts.settings, parts.store, wallet, genesis_hash, account_id) as reader:
            await compose(parts.store, reader, account_id=account_id, wanted=wanted).run(lease)
    finally:
        stop()


def compose(
    store: Store,
    reader: HistoryReader,
    pace: Pace | None = None,
    *,
    account_id: UUID = DEFAULT_ACCOUNT,
    wanted: asyncio.Event | None = None,
) -> HistoryWatch:
    """The watch over these parts. ``wanted`` is its own, as it clears it; without one it is the process's."""
    return HistoryWatch(
        reader,
        HistoryTable(store.pool, account_id),
        store.events,
        store.accounts,
        store.foreign,
        account_id,
        wanted or store.history_wanted,
        pace,
        log_account=DEFAULT_ACCOUNT,
    )


@asynccontextmanager
async def reading(
    settings: Settings, store: Store, wallet: str, genesis_hash: str, account_id: UUID = DEFAULT_ACCOUNT
) -> AsyncIterator[HistoryReader]:
    """A reader of an account's wallet over every endpoint of the settings."""
    urls = (settings.solana_rpc_url, *settings.solana_evidence_rpc_urls)
    async with AsyncExitStack() as stack:
        histories = [await stack.enter_async_context(WalletHistory(url)) for url in urls]
        yield HistoryReader(
            histories,
            store.foreign,
            store.foreign_reclaims,
            account_id=account_id,
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
    async def of(cls, store: Store, account_id: UUID = DEFAULT_ACCOUNT) -> HistoryGate:
        table = HistoryTable(store.pool, account_id)
        return cls(store, table, (await table.numbers()).begun)

    async def opened(self) -> None:
        # It may be another process that compares, and it may begin to listen later than this one asks.
        asked = time.monotonic()
        while (await self.table.numbers()).completed <= self.begun:
            self.store.notifier.remind("history")
            await asyncio.sleep(SOON_S if time.monotonic() - asked < AT_FIRST_S else LOOK_EVERY_S)
