"""Rents that come back from the guards of orders long ended, under a lease: where the wallet's key is."""

from __future__ import annotations

from chains.wallet import Wallet
from runtime.composition import lease_of
from runtime.preconditions import require_wallet
from runtime.roles.parts import Parts
from runtime.roles.worker import guard_key_of
from workers.reclaim.guard_table import GuardTable
from workers.reclaim.reclaimer import RECLAIM, HistoryCheck, ReclaimContext, Reclaimer


async def run(parts: Parts) -> None:
    settings, store, market = parts.settings, parts.store, parts.market
    genesis_hash = await market.identity.confirmed()
    wallet = await require_wallet(store.pool, store.mapper, genesis_hash, settings.wallet_file)
    async with lease_of(store, RECLAIM).hold() as lease:
        await compose(parts, wallet, genesis_hash).run(lease)


async def nothing_unknown() -> str | None:
    """What in the wallet's history the log doesn't know: whatever finds that halts the account, which is asked for
    itself.
    """
    return None


def compose(
    parts: Parts, wallet: Wallet, genesis_hash: str, unknown_history: HistoryCheck = nothing_unknown
) -> Reclaimer:
    """The reclaimer over these parts."""
    settings, store = parts.settings, parts.store
    context = ReclaimContext(
        table=GuardTable(store.pool, settings.guards_kept_for),
        log=store.events,
        feed=store.feed,
        mapper=store.mapper,
        orders=store.orders,
        accounts=store.accounts,
        reclaims=store.reclaims,
        trading=store.trading,
        chain=parts.market.chain,
        wallet=wallet,
        guard_key=guard_key_of(settings, wallet),
        genesis_hash=genesis_hash,
        unknown_history=unknown_history,
    )
    return Reclaimer(context)
