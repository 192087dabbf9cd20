"""What must hold before a worker touches anything: log and configuration speak of the same chain and wallet."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from chains.wallet import Wallet, WalletError
from domain import events as e
from event_store.mapper import UNREADABLE, EventMapper
from event_store.statements import statement
from runtime.errors import AnotherChainError, AnotherWalletError, StartupError
from workers.dispatch.work import Pool

_NEWEST_STATES = statement(__file__, "newest_states")
_CLAIM_WALLET = statement(__file__, "claim_wallet")


def load_wallet(path: Path, *, create: bool = False) -> Wallet:
    """The wallet in ``path``, a new one where ``create`` is set and there is none. Raises ``StartupError``.

    A wallet is only made for a chain of our own; that of a real chain is given.
    """
    try:
        return Wallet.load_or_create(path) if create else Wallet.load(path)
    except WalletError as refused:
        raise StartupError(str(refused)) from None


async def require_same_chain(pool: Pool, mapper: EventMapper, genesis_hash: str) -> None:
    """Raise ``AnotherChainError`` where the log's newest transaction was signed for another chain.

    One that can't be read is passed over: it stops its own order, and `surefill verify` names it.
    """
    async with pool.connection() as connection:
        cursor = await connection.execute(_NEWEST_STATES, {"topic": e.TransactionBuilt.TOPIC})
        states = [bytes(row[0]) for row in await cursor.fetchall()]
    for state in states:
        try:
            built = mapper.load(e.TransactionBuilt.TOPIC, state)
        except UNREADABLE:
            continue
        if isinstance(built, e.TransactionBuilt) and built.genesis_hash != genesis_hash:
            raise AnotherChainError(
                f"the log's transactions belong to the chain with genesis {built.genesis_hash}, "
                f"the configured endpoint serves {genesis_hash}: use that chain, or another database"
            )
        return


async def claim_wallet(pool: Pool, account_id: UUID, wallet: str) -> None:
    """Bind ``wallet`` to the account, or raise ``AnotherWalletError`` where another one is bound."""
    async with pool.connection() as connection:
        cursor = await connection.execute(_CLAIM_WALLET, {"account": account_id, "wallet": wallet})
        row = await cursor.fetchone()
    held = row[0] if row else None
    if held != wallet:
        raise AnotherWalletError(
            f"the account trades with wallet {held}, the configured key is that of {wallet}: use that key"
        )
