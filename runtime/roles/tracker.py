"""The tracker, under its lease."""

from __future__ import annotations

from runtime.composition import lease_of, utc_now
from runtime.preconditions import require_guarded_attempts, require_wallet
from runtime.roles.parts import Parts
from workers.tracker.tracker import TRACKER, Pace, Tracker
from workers.tracker.visits import VisitRequests


async def run(parts: Parts) -> None:
    settings, store, market = parts.settings, parts.store, parts.market
    genesis_hash = await market.identity.confirmed()
    await require_wallet(store.pool, store.mapper, genesis_hash, settings.wallet_source)
    await require_guarded_attempts(store.pool, store.mapper)
    async with lease_of(store, TRACKER).hold() as lease:
        await compose(parts).run(lease)


def compose(parts: Parts, pace: Pace | None = None) -> Tracker:
    """The tracker over these parts."""
    store = parts.store
    return Tracker(
        orders=store.orders,
        accounts=store.accounts,
        closed=store.closed_elsewhere,
        feed=store.feed,
        work=store.work,
        chain=parts.market.chain,
        commitment=parts.settings.commitment,
        clock=utc_now,
        trading=store.trading,
        visits=VisitRequests(store.hand_over.add, replace_after=parts.settings.replace_after, clock=utc_now),
        pace=pace,
        sends=not parts.settings.paper,
    )
