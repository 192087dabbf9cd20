"""The tracker's process."""

from __future__ import annotations

from runtime.composition import lease_of, open_market, open_store, utc_now
from runtime.preconditions import require_wallet
from runtime.settings import Settings
from workers.dispatch.work import WorkTable
from workers.tracker.tracker import TRACKER, Tracker


async def run(settings: Settings) -> None:
    async with open_store(settings, "tracker") as store, open_market(settings, store) as market:
        genesis_hash = await market.identity.confirmed()
        await require_wallet(store.pool, store.mapper, genesis_hash, settings.wallet_file)
        tracker = Tracker(
            orders=store.orders,
            accounts=store.accounts,
            events=store.events,
            notifier=store.notifier,
            work=WorkTable(store.pool),
            chain=market.chain,
            commitment=settings.commitment,
            clock=utc_now,
        )
        async with lease_of(store, TRACKER).hold() as lease:
            await tracker.run(lease)
