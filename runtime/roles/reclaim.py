"""Rents that come back from the guards of orders long ended, under a lease: where the wallet's key is."""

from __future__ import annotations

from functools import partial
from uuid import UUID

import structlog

from chains.errors import WalletError
from chains.signer import Signer
from commands.ids import DEFAULT_ACCOUNT
from runtime.account_wallets import signer_of
from runtime.composition import Store, lease_of
from runtime.preconditions import require_wallet
from runtime.roles.parts import Parts
from runtime.signers import guard_key_of
from workers.history.table import LATE_S, HistoryTable
from workers.reclaim.guard_table import GuardTable
from workers.reclaim.reclaimer import LEAST_S, RECLAIM, HistoryCheck, ReclaimContext, Reclaimer
from workers.signers import AccountSigner

log = structlog.get_logger(__name__)


async def run(parts: Parts) -> None:
    settings, store, market = parts.settings, parts.store, parts.market
    genesis_hash = await market.identity.confirmed()
    wallet = await require_wallet(store.pool, store.mapper, genesis_hash, settings.wallet_source)
    try:
        await store.known_accounts.load()
        async with lease_of(store, RECLAIM).hold() as lease:
            await compose(parts, wallet, genesis_hash, partial(not_compared, store)).run(lease)
    finally:
        await wallet.close()


async def not_compared(store: Store, account_id: UUID) -> str | None:
    """Whether the history of the account's wallet may have what the log doesn't know. What is found of it halts the
    account, which is asked for itself.
    """
    age = (await HistoryTable(store.pool, account_id).numbers()).age
    compared = age is not None and age <= LATE_S
    return None if compared else "the wallet's history was not compared with the log lately"


def _signer(parts: Parts, account_id: UUID) -> AccountSigner | None:
    account = parts.store.known_accounts.account(account_id)
    try:
        return signer_of(parts.settings, account) if account else None
    except WalletError as missing:
        log.warning("no rent of an account comes back", account_id=str(account_id), reason=str(missing))
        return None


def compose(
    parts: Parts, wallet: Signer, genesis_hash: str, unknown_history: HistoryCheck, *, least: float = LEAST_S
) -> Reclaimer:
    """The reclaimer over these parts; ``least`` is the time (s) between two passes."""
    settings, store = parts.settings, parts.store
    context = ReclaimContext(
        table=GuardTable(store.pool, settings.guards_kept_for),
        log=store.events,
        feed=store.feed,
        mapper=store.mapper,
        orders=store.orders,
        accounts=store.accounts,
        reclaims=store.reclaims,
        elsewhere=store.foreign_reclaims,
        trading=store.trading,
        chain=parts.market.chain,
        account_id=DEFAULT_ACCOUNT,
        wallet=wallet,
        guard_key=guard_key_of(settings, wallet),
        genesis_hash=genesis_hash,
        unknown_history=unknown_history,
        others=partial(_signer, parts),
    )
    return Reclaimer(context, least=least)
