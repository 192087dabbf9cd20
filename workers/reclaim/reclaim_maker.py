"""Makes a reclaim: composed, simulated, checked, signed and recorded. Nothing of it leaves from here."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import structlog
from solders.message import MessageV0

from chains.guard import GuardKey
from chains.protocol import Blockhash, Chain
from chains.reclaim import ClosingGuard, compose_reclaim, fits, reclaim_memo, token_account_of
from chains.signer import Signer
from chains.transactions import MAX_COMPUTE_UNITS
from commands.ids import uuid7
from commands.orders import Guards
from commands.reclaims import Reclaims
from domain.reclaim_events import ReclaimBuilt
from workers.reclaim.candidates import Closable
from workers.reclaim.guard_table import ALONE_AGAIN, Postponed

log = structlog.get_logger(__name__)


class ReclaimMaker:
    """Reclaims are paid by ``wallet`` and signed by it and the authority of ``guard_key``."""

    def __init__(
        self, chain: Chain, wallet: Signer, guard_key: GuardKey, reclaims: Reclaims, genesis_hash: str
    ) -> None:
        self._chain = chain
        self._wallet = wallet
        self._guard_key = guard_key
        self._reclaims = reclaims
        self._genesis_hash = genesis_hash

    async def make(self, account_id: UUID, closable: Sequence[Closable], guards: Guards) -> list[Postponed]:
        """Record a reclaim of ``closable``, or one of each half where that would fail; returns what can't be closed.

        Raises ``GuardFailedError`` where a guard of the append forbids it, ``LeaseLostError``, and what chain and log
        raise.
        """
        reclaim_id, blockhash = uuid7(), await self._chain.latest_blockhash()
        message = self._compose(reclaim_id, closable, blockhash, MAX_COMPUTE_UNITS)
        refused = None
        if fits(message):
            simulation = await self._chain.simulate(message)
            if simulation.error is None:
                final = self._compose(reclaim_id, closable, blockhash, simulation.units)
                await self._record(account_id, reclaim_id, closable, blockhash, final, guards)
                return []
            refused = f"{simulation.error.code}: {simulation.error.detail}"
        if len(closable) > 1:
            half = len(closable) // 2
            first = await self.make(account_id, closable[:half], guards)
            return [*first, *await self.make(account_id, closable[half:], guards)]
        obstacle = f"closing it alone fails: {refused or 'the transaction is too large'}"
        log.warning("a guard can't be closed", guard=closable[0].guard.guard, reason=obstacle)
        until = datetime.now(UTC) + ALONE_AGAIN
        return [Postponed(one.order_id, one.last_event_at, until, obstacle) for one in closable[0].sharing]

    def _compose(self, reclaim_id: UUID, closable: Sequence[Closable], blockhash: Blockhash, units: int) -> MessageV0:
        return compose_reclaim(
            [ClosingGuard(one.guard.guard, one.guard.tokens) for one in closable],
            wallet=self._wallet.address,
            authority=self._guard_key.authority,
            reclaim_id=reclaim_id,
            blockhash=blockhash.blockhash,
            compute_units=units,
        )

    async def _record(
        self,
        account_id: UUID,
        reclaim_id: UUID,
        closable: Sequence[Closable],
        blockhash: Blockhash,
        message: MessageV0,
        guards: Guards,
    ) -> None:
        signed = await self._wallet.signed_reclaim(message, self._guard_key)
        wallet = self._wallet.address
        built = ReclaimBuilt(
            transaction=base64.b64encode(bytes(signed)).decode(),
            signature=str(signed.signatures[0]),
            wallet=wallet,
            memo=reclaim_memo(reclaim_id),
            genesis_hash=self._genesis_hash,
            blockhash=blockhash.blockhash,
            last_valid_block_height=blockhash.last_valid_block_height,
            height=blockhash.height,
            guards=tuple(one.guard for one in closable),
            token_account=token_account_of(wallet) if any(one.guard.tokens for one in closable) else None,
        )
        await self._reclaims.record_built(account_id, reclaim_id, built, guards=guards)
        log.info("rents come back", reclaim=str(reclaim_id), guards=len(closable))
