"""Make one transaction of a chosen route: composed, known to work, checked, signed. Nothing of it leaves from here."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from chains.blockhashes import BlockhashCache
from chains.errors import TransactionRefusedError
from chains.guard import GuardKey
from chains.protocol import Chain
from chains.transaction_checks import check
from chains.transactions import MAX_COMPUTE_UNITS, compose, memo_text
from chains.wallet import Wallet
from domain.codes import Code, meaning
from domain.commands import RecordBuilt, RejectBuild
from domain.order import Order
from venues.protocol import VenueGroup, VenueQuote
from workers.execution.compute_limits import ComputeLimits
from workers.execution.funds import Funds

SIMULATIONS_AT_ONCE = 32
FEE_LAMPORTS = 5_000
"""What the network takes for a signature, the only one of a transaction."""


@dataclass(frozen=True, slots=True)
class BuildContext:
    """What a transaction is made with. ``programs`` are those that a transaction of ours may call."""

    chain: Chain
    blockhashes: BlockhashCache
    wallet: Wallet
    guard_key: GuardKey
    funds: Funds
    venues: Sequence[VenueGroup]
    programs: frozenset[str]
    genesis_hash: str
    limits: ComputeLimits


class Builder:
    """``clock`` gives the time, UTC."""

    def __init__(self, context: BuildContext, clock: Callable[[], datetime]) -> None:
        self._context = context
        self._clock = clock
        self._simulations = asyncio.Semaphore(SIMULATIONS_AT_ONCE)

    def group_of(self, venue: str) -> VenueGroup | None:
        """The group that trades as ``venue``, where it is configured here."""
        return next((group for group in self._context.venues if venue in group.venues), None)

    async def build(self, order_id: UUID, order: Order, offer: VenueQuote) -> RecordBuilt | RejectBuild:
        """The next attempt of ``order``, which is routed to ``offer``; raises what the chain raises."""
        route, group = order.route, self.group_of(offer.quote.venue)
        if route is None or group is None:
            return self._rejected(Code.VENUE_UNAVAILABLE, "The venue of the route isn't configured here.")
        context, attempt = self._context, len(order.attempts) + 1
        wallet = context.wallet.address
        guard, rent = context.guard_key.of_order(wallet, order_id), await context.funds.guard_rent()
        instructions = await group.swap(offer, owner=wallet, minimum_out=route.minimum_out)
        blockhash = await context.blockhashes.latest()
        composed = partial(
            compose,
            instructions,
            guard=guard.instructions(rent),
            wallet=wallet,
            order_id=order_id,
            attempt=attempt,
            blockhash=blockhash.blockhash,
        )
        units = None if group.is_remote else context.limits.known(order, offer.quote)
        if units is None:
            async with self._simulations:
                simulation = await context.chain.simulate(composed(compute_units=MAX_COMPUTE_UNITS))
            if simulation.error:
                context.limits.forget(offer.quote)
                return self._rejected(simulation.error.code, simulation.error.detail, simulation.error.logs)
            units = context.limits.learn(offer.quote, simulation.units)
        final = composed(compute_units=units)
        memo = memo_text(order_id, attempt)
        try:
            check(final, wallet=wallet, memo=memo, programs=context.programs, guard=guard, rent=rent)
        except TransactionRefusedError as refused:
            return self._rejected(Code.TRANSACTION_INVALID, str(refused))
        if not await context.funds.take(rent + FEE_LAMPORTS):
            return self._rejected(Code.LAMPORT_RESERVE, meaning(Code.LAMPORT_RESERVE).sentence)
        signed = context.wallet.sign(final)
        return RecordBuilt(
            attempt=attempt,
            transaction=base64.b64encode(bytes(signed)).decode(),
            signature=str(signed.signatures[0]),
            wallet=wallet,
            memo=memo,
            genesis_hash=context.genesis_hash,
            blockhash=blockhash.blockhash,
            blockhash_slot=blockhash.slot,
            last_valid_block_height=blockhash.last_valid_block_height,
            minimum_out=route.minimum_out,
            guard=guard.address,
            guard_rent_lamports=rent,
            height=blockhash.height,
            now=self._clock(),
        )

    def _rejected(self, code: str, detail: str, logs: tuple[str, ...] = ()) -> RejectBuild:
        return RejectBuild(code=code, detail=detail, logs=logs, now=self._clock())
