"""The worker: Dramatiq's Worker in this process; its threads take messages, visits run on this process's loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from uuid import UUID

import dramatiq
import structlog
from solders.pubkey import Pubkey

from chains.blockhashes import BlockhashCache
from chains.errors import WalletError
from chains.lookup_tables import LookupTableCache
from chains.priority_fees import PriorityFees
from chains.signer import Signer
from chains.wallet_history import WalletHistory
from commands.ids import DEFAULT_ACCOUNT
from commands.last_fills import LastFills
from domain.errors import DomainError
from domain.limits import NO_LIMITS, Limits
from runtime.account_wallets import AccountWallets
from runtime.composition import utc_now
from runtime.error_groups import first
from runtime.errors import StartupError
from runtime.own_tips import off_limits, tips_itself
from runtime.preconditions import claim_wallet, require_guarded_attempts, require_wallet
from runtime.roles.parts import Parts
from runtime.roles.wallet_history import HistoryGate
from runtime.signers import guard_key_of
from venues.programs import PROGRAMS_OF, readers_of
from workers.dispatch.queue import declare_actor
from workers.execution.account_visits import AccountVisits
from workers.execution.builder import BuildContext, Builder
from workers.execution.canary import Canary
from workers.execution.compute_limits import ComputeLimits
from workers.execution.executor import Executor
from workers.execution.funds import Funds
from workers.execution.joining import Joining
from workers.execution.quoting import PATIENCE_S, Quoting
from workers.execution.recording import Recording
from workers.execution.visit import Visit
from workers.history.canaries import canaries_of
from workers.signers import AccountSigner

# A message is done as soon as its orders are being visited: a few threads take all there are.
THREADS = 2
# Nothing is lost by it: the consumer is woken, and the threads wait for the consumer.
IDLE_MS = 1_000
STOP_MS = 1_000

log = structlog.get_logger(__name__)


async def run(parts: Parts) -> None:
    settings, store, market = parts.settings, parts.store, parts.market
    genesis_hash = await market.identity.confirmed()
    wallet = await require_wallet(store.pool, store.mapper, genesis_hash, settings.wallet_source)
    try:
        await _work(parts, wallet, genesis_hash)
    finally:
        await wallet.close()


async def _work(parts: Parts, wallet: Signer, genesis_hash: str) -> None:
    settings, store = parts.settings, parts.store
    await require_guarded_attempts(store.pool, store.mapper)
    await store.known_accounts.load()
    signer = AccountSigner(wallet, guard_key_of(settings, wallet))
    if said := tips_itself(settings.named_tips, wallet.address, signer.guard_key):
        raise StartupError(said)
    canary = _canary(parts, signer, DEFAULT_ACCOUNT)
    context = build_context(parts, signer, genesis_hash)
    visits = AccountVisits(DEFAULT_ACCOUNT, visit_of(parts, context, may_sign=lambda: canary.proven))
    executor = Executor(visits, store.work)
    declare_actor(store.broker, executor.take, asyncio.get_running_loop())
    worker = dramatiq.Worker(store.broker, worker_timeout=IDLE_MS, worker_threads=THREADS)
    worker.start()
    try:
        async with asyncio.TaskGroup() as tasks:
            if not settings.paper:
                tasks.create_task(_prove(canary), name="canary")
            tasks.create_task(_sign_for_others(parts, context, visits), name="wallets of accounts")
    except BaseExceptionGroup as group:
        if refused := group.subgroup(StartupError):
            raise StartupError(str(first(refused))) from None
        raise
    finally:
        store.broker.wake()
        await asyncio.to_thread(worker.stop, timeout=STOP_MS)
        store.broker.forget(worker)
        await executor.stop()


async def _prove(canary: Canary) -> None:
    try:
        await canary.prove()
        await canary.record()
    except DomainError as refused:
        raise StartupError(str(refused)) from None


async def _sign_for_others(parts: Parts, context: BuildContext, visits: AccountVisits) -> None:
    """Sign for each further account once its wallet's history was compared and its guard key is proven."""
    settings, store, market = parts.settings, parts.store, parts.market
    async with asyncio.TaskGroup() as tasks:

        async def begin(account_id: UUID, signer: AccountSigner) -> None:
            claimed = await claim_wallet(store.pool, account_id, signer.wallet.address)
            if claimed != signer.wallet.address:
                raise WalletError(f"the account trades with wallet {claimed}, its file is that of another")
            if said := tips_itself(settings.named_tips, claimed, signer.guard_key):
                raise WalletError(said)
            canary = _canary(parts, signer, account_id)
            own = replace(
                build_context(parts, signer, context.genesis_hash),
                blockhashes=context.blockhashes,
                tables=context.tables,
                limits=context.limits,
            )
            visit = visit_of(parts, own, may_sign=lambda: canary.proven, account_id=account_id)
            gate = await HistoryGate.of(store, account_id)
            tasks.create_task(
                _trade_after(gate, visits, visit, canary, signs=not settings.paper), name=f"canary {account_id}"
            )

        wallets = AccountWallets(
            settings,
            store.known_accounts,
            store.directory,
            market.chain,
            market.identity.network,
            partial(store.accounts.trading, DEFAULT_ACCOUNT),
        )
        await wallets.run(begin)


async def _trade_after(gate: HistoryGate, visits: AccountVisits, visit: Visit, canary: Canary, *, signs: bool) -> None:
    """One account's refusal is its own: the others are traded for."""
    await gate.opened()
    visits.add(canary.account_id, visit)
    if not signs:
        return
    try:
        await canary.prove()
        await canary.record()
    except DomainError as refused:
        log.error("nothing is signed for an account", account_id=str(canary.account_id), reason=str(refused))


def _canary(parts: Parts, signer: AccountSigner, account_id: UUID) -> Canary:
    chain, wallet = parts.market.chain, signer.wallet
    funds = Funds(chain, wallet.address, reserve=0)

    async def canaries() -> dict[str, int]:
        async with WalletHistory(parts.settings.solana_rpc_url) as history:
            return await canaries_of(wallet.address, history)

    return Canary(chain, wallet, signer.guard_key, parts.store.guard_keys, funds, account_id, canaries)


def compose(
    parts: Parts,
    wallet: Signer,
    genesis_hash: str,
    *,
    may_sign: Callable[[], bool],
    patience: float = PATIENCE_S,
) -> Executor:
    """The executor over these parts, for the default account alone. ``may_sign``: the guard key is proven;
    ``patience`` is for how many seconds a venue is waited for.
    """
    context = build_context(parts, AccountSigner(wallet, guard_key_of(parts.settings, wallet)), genesis_hash)
    return Executor(visit_of(parts, context, may_sign=may_sign, patience=patience), parts.store.work)


def build_context(parts: Parts, signer: AccountSigner, genesis_hash: str) -> BuildContext:
    """What the transactions of one account are made with."""
    settings, market = parts.settings, parts.market
    wallet = signer.wallet
    programs = settings.programs_allowed or {one for word in settings.venues for one in PROGRAMS_OF[word]}
    return BuildContext(
        chain=market.chain,
        blockhashes=BlockhashCache(market.chain),
        wallet=wallet,
        guard_key=signer.guard_key,
        funds=Funds(market.chain, wallet.address, reserve=settings.lamport_reserve),
        venues=market.venues,
        readers={Pubkey.from_string(program): read for program, read in readers_of(programs).items()},
        off_limits=off_limits(wallet.address, signer.guard_key),
        tables=LookupTableCache(market.chain.lookup_table),
        fees=PriorityFees(
            market.chain.recent_priority_fees, settings.priority_fee_percentile, least=settings.least_unit_price
        ),
        genesis_hash=genesis_hash,
        limits=ComputeLimits(always_simulate=settings.always_simulate),
        most_priority_lamports=settings.max_priority_fee_lamports,
        tips=settings.tips,
    )


def visit_of(
    parts: Parts,
    context: BuildContext,
    *,
    may_sign: Callable[[], bool],
    patience: float = PATIENCE_S,
    account_id: UUID = DEFAULT_ACCOUNT,
) -> Visit:
    """The visit of one account's orders."""
    settings, store, market = parts.settings, parts.store, parts.market
    recording = Recording(store.orders, store.trading, market.chain)
    accounts = store.known_accounts

    def limits() -> Limits:
        account = accounts.account(account_id)
        return account.limits if account else NO_LIMITS

    quoting = Quoting(market.venues, owner=context.wallet.address, patience=patience, limits=limits)
    builder = Builder(context, utc_now)
    joining = Joining(
        recording=recording,
        quoting=quoting,
        builder=builder,
        chain=market.chain,
        clock=utc_now,
        replace_after=timedelta(seconds=settings.replace_after),
    )
    return Visit(
        recording=recording,
        joining=joining,
        quoting=quoting,
        builder=builder,
        clock=utc_now,
        may_sign=may_sign,
        closed=store.closed_elsewhere,
        fills=LastFills(store.events, store.orders),
        compare=partial(store.notifier.remind, "history"),
        paper=settings.paper,
    )
