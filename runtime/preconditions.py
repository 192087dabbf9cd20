"""What must hold before anything is touched: log, chain and wallet belong together.

`surefill up` asks before an order is taken, and each role asks again, since it may be started by itself.
"""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from chains.errors import WalletError
from chains.wallet import Wallet
from commands.ids import DEFAULT_ACCOUNT
from domain import events as e
from event_store.mapper import UNREADABLE, EventMapper
from event_store.statements import statement
from runtime.errors import StartupError
from workers.dispatch.work import Pool

_NEWEST_STATES = statement(__file__, "newest_states")
_CLAIM_WALLET = statement(__file__, "claim_wallet")


async def require_wallet(pool: Pool, mapper: EventMapper, genesis_hash: str, file: Path) -> Wallet:
    """The wallet in ``file``, once log, chain and wallet are known to belong together. Raises ``StartupError``."""
    await require_chain_of_log(pool, mapper, genesis_hash)
    wallet = load_wallet(file)
    await _claim_wallet(pool, DEFAULT_ACCOUNT, wallet.address)
    return wallet


async def require_chain_of_log(pool: Pool, mapper: EventMapper, genesis_hash: str) -> None:
    """Raise ``StartupError`` where the log's newest transaction was signed for another chain.

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
            raise StartupError(
                f"the log's transactions belong to the chain with genesis {built.genesis_hash}, "
                f"the configured endpoint serves {genesis_hash}: use that chain, or another database"
            )
        return


def load_wallet(file: Path, *, create: bool = False) -> Wallet:
    """The wallet in ``file``, a new one where ``create`` is set and there is none. Raises ``StartupError``.

    A wallet is only made for a chain of our own; that of a real chain is given.
    """
    try:
        return Wallet.load_or_create(file) if create else Wallet.load(file)
    except WalletError as refused:
        raise StartupError(str(refused)) from None


async def _claim_wallet(pool: Pool, account_id: UUID, wallet: str) -> None:
    """Bind ``wallet`` to the account, or raise ``StartupError`` where another one is bound."""
    async with pool.connection() as connection:
        cursor = await connection.execute(_CLAIM_WALLET, {"account": account_id, "wallet": wallet})
        row = await cursor.fetchone()
    held = row[0] if row else None
    if held != wallet:
        raise StartupError(
            f"the account trades with wallet {held}, the configured key is that of {wallet}: use that key"
        )
