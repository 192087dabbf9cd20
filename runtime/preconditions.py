"""What must hold before anything is touched: log, chain and wallet belong together.

`surefill up` asks before an order is taken, and each role asks again, since it may be started by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

import psycopg

from chains.networks import network_of
from chains.signer import Signer
from commands.ids import DEFAULT_ACCOUNT
from commands.known_accounts import KnownAccounts
from domain import events as e
from domain.events import is_order_event
from domain.evolve import fold
from event_store.mapper import UNREADABLE, EventMapper
from event_store.read.log import Log
from event_store.statements import statement
from event_store.types import RecordedEvent
from projections.accounts import wallet_of
from runtime.errors import StartupError
from runtime.settings import Settings
from runtime.signers import signer_at
from runtime.wallet_source import WalletSource
from workers.dispatch.work import Pool

E = TypeVar("E", e.TransactionBuilt, e.OrderSubmitted)

_NEWEST_TRANSACTIONS = statement(__file__, "newest_transactions")
# For what every order has: it is found within a few orders of the log's end.
_NEWEST_STATES = statement(__file__, "newest_states")
_UNGUARDED_ATTEMPTS = statement(__file__, "unguarded_attempts")
_MOST_NAMED = 10
_CLAIM_WALLET = statement(__file__, "claim_wallet")


@dataclass(frozen=True, slots=True)
class ChainOfLog:
    """Which chain a log belongs to, as far as its newest events tell; an empty log tells nothing."""

    genesis_hash: str | None = None
    network: str | None = None


async def require_wallet(pool: Pool, mapper: EventMapper, genesis_hash: str, source: WalletSource) -> Signer:
    """The wallet at ``source``, once log, chain and wallet are known to belong together. Raises ``StartupError``."""
    await require_chain_of_log(pool, mapper, genesis_hash)
    wallet = signer_at(source)
    _require_same_wallet(await claim_wallet(pool, DEFAULT_ACCOUNT, wallet.address), wallet.address)
    return wallet


def require_key(accounts: KnownAccounts, settings: Settings) -> None:
    """Raise ``StartupError`` where other machines can reach the API and there is no key to tell them apart by."""
    if not settings.is_local and not accounts.has_valid_key(datetime.now(UTC)):
        raise StartupError(
            f"HOST {settings.host} can be reached from other machines and there is no API key: make one first, with "
            "surefill keys create --account default --scope read --scope trade"
        )


async def require_chain_of_log(pool: Pool, mapper: EventMapper, genesis_hash: str) -> None:
    """Raise ``StartupError`` where the log's newest transaction was signed for another chain, or, where nothing was
    signed yet, its newest order was taken for another network.
    """
    held = await chain_of_log(pool, mapper)
    if held.genesis_hash and held.genesis_hash != genesis_hash:
        raise StartupError(
            f"the log's transactions belong to the chain with genesis {held.genesis_hash}, "
            f"the configured endpoint serves {genesis_hash}: use that chain, or another database"
        )
    if held.network and held.network != network_of(genesis_hash):
        raise StartupError(
            f"the log's orders are for {held.network}, the configured endpoint serves {network_of(genesis_hash)} "
            f"(genesis {genesis_hash}): use that network, or another database. Nothing was signed for them: where the "
            "first start was told wrong, `surefill cancel --all --because TEXT` ends those that are open"
        )


async def chain_of_log(pool: Pool, mapper: EventMapper) -> ChainOfLog:
    """What the newest transaction tells, else the newest order; see ``_newest`` for those that can't be read."""
    built = await _newest(pool, mapper, e.TransactionBuilt, _NEWEST_TRANSACTIONS)
    if built:
        return ChainOfLog(built.genesis_hash, network_of(built.genesis_hash))
    submitted = await _newest(pool, mapper, e.OrderSubmitted, _NEWEST_STATES)
    return ChainOfLog(None, submitted.network) if submitted else ChainOfLog()


async def _newest(pool: Pool, mapper: EventMapper, kind: type[E], states_of: bytes) -> E | None:
    """The newest event of a kind. One that can't be read is passed over: it stops its own order, and `surefill verify`
    names it.
    """
    async with pool.connection() as connection:
        cursor = await connection.execute(states_of, {"topic": kind.TOPIC})
        states = [bytes(row[0]) for row in await cursor.fetchall()]
    for state in states:
        try:
            event = mapper.load(kind.TOPIC, state)
        except UNREADABLE:
            continue
        if isinstance(event, kind):
            return event
    return None


async def require_guarded_attempts(pool: Pool, mapper: EventMapper) -> None:
    """Raise ``StartupError`` where an attempt without a guard may still land.

    The version that signed it must end it first: here nothing proves any more that it can't.
    """
    async with pool.connection() as connection:
        cursor = await connection.execute(_UNGUARDED_ATTEMPTS, {"topic": e.TransactionBuilt.TOPIC})
        candidates = [row[0] for row in await cursor.fetchall()]
    streams = await Log(pool).load_many(dict.fromkeys(candidates, 0))
    live = sorted(str(order_id) for order_id, recorded in streams.items() if _has_unguarded(recorded, mapper))
    if live:
        named = ", ".join(live[:_MOST_NAMED]) + (f" and {len(live) - _MOST_NAMED} more" if live[_MOST_NAMED:] else "")
        raise StartupError(
            f"transactions without a guard may still land, of the orders {named}: "
            "start the version that signed them until they have ended"
        )


def _has_unguarded(recorded: Sequence[RecordedEvent], mapper: EventMapper) -> bool:
    """Whether an attempt of the order makes no guard and hasn't ended; an order that can't be read is a dead letter."""
    try:
        events = [event for one in recorded if is_order_event(event := mapper.load(one.topic, one.state))]
        order = fold(events)
    except UNREADABLE:
        return False
    return order is not None and any(one.end is None and one.guard is None for one in order.attempts)


async def require_known_wallet(pool: Pool, source: WalletSource) -> None:
    """What can be asked of the wallet while the chain isn't known: raise ``StartupError`` where it isn't the one that
    is bound already. None is bound before the chain is known.
    """
    wallet = signer_at(source)
    held = await wallet_of(pool, DEFAULT_ACCOUNT)
    if held:
        _require_same_wallet(held, wallet.address)


async def claim_wallet(pool: Pool, account_id: UUID, wallet: str) -> str | None:
    """Bind ``wallet`` to an account that has none; the one it has then. Raises ``StartupError`` where another account
    has it.
    """
    async with pool.connection() as connection:
        try:
            cursor = await connection.execute(_CLAIM_WALLET, {"account": account_id, "wallet": wallet})
        except psycopg.errors.UniqueViolation:
            raise StartupError(f"another account trades with wallet {wallet}: each has its own") from None
        row = await cursor.fetchone()
    return row[0] if row else None


def _require_same_wallet(held: str | None, wallet: str) -> None:
    if held != wallet:
        raise StartupError(
            f"the account trades with wallet {held}, the configured key is that of {wallet}: use that key"
        )
