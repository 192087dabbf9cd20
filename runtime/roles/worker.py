"""The worker: Dramatiq's Worker in this process; its threads take messages, visits run on this process's loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import dramatiq
from solders.pubkey import Pubkey

from chains.blockhashes import BlockhashCache
from chains.guard import GuardKey
from chains.lookup_tables import LookupTableCache
from chains.own_accounts import own_accounts
from chains.signer import Signer
from commands.ids import DEFAULT_ACCOUNT
from domain.errors import DomainError
from domain.tokens import KNOWN_TOKENS
from runtime.composition import utc_now
from runtime.errors import StartupError
from runtime.preconditions import require_guarded_attempts, require_wallet
from runtime.roles.parts import Parts
from runtime.settings import Settings
from venues.programs import PROGRAMS_OF, readers_of
from workers.dispatch.queue import declare_actor
from workers.execution.builder import BuildContext, Builder
from workers.execution.canary import Canary
from workers.execution.compute_limits import ComputeLimits
from workers.execution.executor import Executor
from workers.execution.funds import Funds
from workers.execution.joining import Joining
from workers.execution.quoting import PATIENCE_S, Quoting
from workers.execution.recording import Recording
from workers.execution.visit import Visit

# A message is done as soon as its orders are being visited: a few threads take all there are.
THREADS = 2
# Nothing is lost by it: the consumer is woken, and the threads wait for the consumer.
IDLE_MS = 1_000
STOP_MS = 1_000


async def run(parts: Parts) -> None:
    settings, store, market = parts.settings, parts.store, parts.market
    genesis_hash = await market.identity.confirmed()
    wallet = await require_wallet(store.pool, store.mapper, genesis_hash, settings.wallet_source)
    await require_guarded_attempts(store.pool, store.mapper)
    guard_key, funds = guard_key_of(settings, wallet), Funds(market.chain, wallet.address, reserve=0)
    canary = Canary(market.chain, wallet, guard_key, store.guard_keys, funds, DEFAULT_ACCOUNT)
    executor = compose(parts, wallet, genesis_hash, may_sign=lambda: canary.proven)
    declare_actor(store.broker, executor.take, asyncio.get_running_loop())
    worker = dramatiq.Worker(store.broker, worker_timeout=IDLE_MS, worker_threads=THREADS)
    worker.start()
    try:
        await canary.prove()
        await asyncio.Event().wait()
    except DomainError as refused:
        raise StartupError(str(refused)) from None
    finally:
        store.broker.wake()
        await asyncio.to_thread(worker.stop, timeout=STOP_MS)
        await executor.stop()


def guard_key_of(settings: Settings, wallet: Signer) -> GuardKey:
    """The key in GUARD_KEY, else the one that follows from the wallet's; raises ``StartupError`` without either."""
    key = GuardKey(bytes.fromhex(settings.guard_key)) if settings.guard_key else wallet.guard_key()
    if key is None:
        raise StartupError("GUARD_KEY must be set: the wallet's key, which it would follow from, isn't here")
    return key


def compose(
    parts: Parts,
    wallet: Signer,
    genesis_hash: str,
    *,
    may_sign: Callable[[], bool],
    patience: float = PATIENCE_S,
) -> Executor:
    """The executor over these parts. ``may_sign``: the guard key is proven; ``patience`` is for how many seconds a
    venue is waited for.
    """
    settings, store, market = parts.settings, parts.store, parts.market
    guard_key = guard_key_of(settings, wallet)
    canary = Pubkey.from_string(guard_key.canary(wallet.address).address)
    programs = settings.programs_allowed or {one for word in settings.venues for one in PROGRAMS_OF[word]}
    mints = [token.mint for token in KNOWN_TOKENS.tokens]
    context = BuildContext(
        chain=market.chain,
        blockhashes=BlockhashCache(market.chain),
        wallet=wallet,
        guard_key=guard_key,
        funds=Funds(market.chain, wallet.address, reserve=settings.lamport_reserve),
        venues=market.venues,
        readers={Pubkey.from_string(program): read for program, read in readers_of(programs).items()},
        off_limits=own_accounts(wallet.address, mints) | {canary},
        tables=LookupTableCache(market.chain.lookup_table),
        genesis_hash=genesis_hash,
        limits=ComputeLimits(always_simulate=settings.always_simulate),
        most_priority_lamports=settings.max_priority_fee_lamports,
    )
    recording = Recording(store.orders, store.trading, market.chain)
    quoting, builder = Quoting(market.venues, owner=wallet.address, patience=patience), Builder(context, utc_now)
    joining = Joining(
        recording=recording,
        quoting=quoting,
        builder=builder,
        chain=market.chain,
        clock=utc_now,
        replace_after=timedelta(seconds=settings.replace_after),
    )
    visit = Visit(
        recording=recording, joining=joining, quoting=quoting, builder=builder, clock=utc_now, may_sign=may_sign
    )
    return Executor(visit, store.work)
