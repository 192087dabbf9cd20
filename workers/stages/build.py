"""Build: one transaction of the chosen route, simulated before it is signed, signed once it is known to work.

What is signed here is recorded before anyone may send it: the submit stage and the tracker take the bytes from the log.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from chains.blockhashes import BlockhashCache
from chains.errors import TransactionRefusedError
from chains.protocol import Chain
from chains.transaction_checks import check
from chains.transactions import MAX_COMPUTE_UNITS, compose, memo_text
from chains.wallet import Wallet
from commands.accounts import Accounts
from commands.loaded_order import LoadedOrder
from commands.orders import OrderRepository
from domain.account import Trading, trading_stream
from domain.codes import Code, meaning
from domain.commands import GiveUp, OrderCommand, RecordBuilt, RejectBuild
from domain.order import Order
from event_store.types import StreamGuard
from venues.protocol import VenueGroup, VenueQuote
from workers.dispatch.work import WorkTable
from workers.stages.stage import StageRunner

SIMULATIONS_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class BuildContext:
    """What a transaction is made with. ``programs`` are those that a transaction of ours may call."""

    accounts: Accounts
    chain: Chain
    blockhashes: BlockhashCache
    wallet: Wallet
    venues: Sequence[VenueGroup]
    programs: frozenset[str]
    genesis_hash: str


class Build(StageRunner):
    stage = "build"

    def __init__(
        self, orders: OrderRepository, work: WorkTable, clock: Callable[[], datetime], context: BuildContext
    ) -> None:
        super().__init__(orders, work, clock)
        self._context = context
        self._simulations = asyncio.Semaphore(SIMULATIONS_AT_ONCE)

    def applies(self, order: Order) -> bool:
        return order.status == "building" and order.live_attempt is None

    async def work_on(self, histories: Sequence[LoadedOrder]) -> None:
        accounts = {one.account_id for one in histories}
        trading = {account_id: await self._context.accounts.trading(account_id) for account_id in accounts}
        await self.each(
            [
                (
                    one,
                    self._build(one, one.order, trading[one.account_id]),
                    (StreamGuard(trading_stream(one.account_id), trading[one.account_id].version),),
                )
                for one in histories
                if one.order
            ]
        )

    async def _build(self, history: LoadedOrder, order: Order, trading: Trading) -> OrderCommand:
        if trading.halted:
            return GiveUp(Code.TRADING_HALTED, meaning(Code.TRADING_HALTED).sentence, self._clock())
        route = order.route
        group = next((group for group in self._context.venues if route and route.chosen.venue in group.venues), None)
        if route is None or group is None:
            return self._rejected(Code.VENUE_UNAVAILABLE, "The venue of the route isn't configured here.")
        context, attempt = self._context, len(order.attempts) + 1
        wallet = context.wallet.address
        instructions = await group.swap(VenueQuote(route.chosen), owner=wallet, minimum_out=route.minimum_out)
        blockhash = await context.blockhashes.latest()
        composed = partial(
            compose,
            instructions,
            wallet=wallet,
            order_id=history.order_id,
            attempt=attempt,
            blockhash=blockhash.blockhash,
        )
        async with self._simulations:
            simulation = await context.chain.simulate(composed(compute_units=MAX_COMPUTE_UNITS))
        if simulation.error:
            return self._rejected(simulation.error.code, simulation.error.detail, simulation.error.logs)
        final = composed(compute_units=simulation.units)
        memo = memo_text(history.order_id, attempt)
        try:
            check(final, wallet=wallet, memo=memo, programs=context.programs)
        except TransactionRefusedError as refused:
            return self._rejected(Code.TRANSACTION_INVALID, str(refused))
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
            now=self._clock(),
        )

    def _rejected(self, code: str, detail: str, logs: tuple[str, ...] = ()) -> RejectBuild:
        return RejectBuild(code=code, detail=detail, logs=logs, now=self._clock())
