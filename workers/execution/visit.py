"""One order's visit: from wherever the log says it stands to the first send of its next transaction.

What is decided goes down in one append: the route and the signed transaction, or nothing. Nobody but the visit whose
append stored the transaction has ever seen its bytes, so nobody else can have sent it; and nothing leaves before that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from chains.protocol import Chain
from commands.errors import GuardFailedError
from commands.loaded_order import LoadedOrder
from commands.orders import OrderRepository
from commands.trading import TradingStates
from domain.codes import Code, meaning
from domain.commands import GiveUp, OrderCommand, RecordQuotes, RecordSent
from domain.decide import decide
from domain.evolve import fold
from domain.order import Attempt, Order
from venues.protocol import VenueQuote
from workers.execution.builder import Builder
from workers.execution.quoting import Quoting
from workers.execution.sending import send, signed_bytes


@dataclass(frozen=True, slots=True)
class Visit:
    """Takes orders on, one call an order. ``clock`` gives the time, UTC; ``may_sign``: the guard key is proven."""

    orders: OrderRepository
    trading: TradingStates
    quoting: Quoting
    builder: Builder
    chain: Chain
    clock: Callable[[], datetime]
    may_sign: Callable[[], bool]

    async def run(self, loaded: LoadedOrder) -> LoadedOrder:
        """The order after what could be done for it now; the same version where nothing could.

        Raises what the chain and the log raise, and ``NotApplicableError`` where another visit was first.
        """
        order = loaded.order
        if order is None or order.ended:
            return loaded
        if order.live_attempt is not None:
            return loaded if order.live_attempt.submitted else await self._send(loaded, order.live_attempt)
        if order.status not in ("routing", "building"):
            return loaded
        if order.obstacle == Code.GUARD_TAKEN and order.unproven_attempt:
            return loaded  # The tracker finds out which of its transactions succeeded.
        built = await self._advance(loaded, order)
        attempt = built.order.live_attempt if built.order and built.version > loaded.version else None
        return await self._send(built, attempt) if attempt else built

    async def _advance(self, loaded: LoadedOrder, order: Order) -> LoadedOrder:
        """Routed, built and recorded; or what stands in the way."""
        trading = await self.trading.of(loaded.account_id)
        if trading.behind:
            return loaded  # It waits; what its deadline says counts once trading is resumed.
        if trading.halted:
            return await self._record(loaded, self.give_up(Code.TRADING_HALTED))
        if not self.may_sign():
            return await self._record(loaded, self.give_up(Code.GUARD_UNPROVEN))
        commands: list[OrderCommand] = []
        if order.status == "routing":
            answers = await self.quoting.ask(order)
            quoted = RecordQuotes(answers.quotes, answers.refusals, self.clock())
            decided = decide(order, quoted)
            routed = fold(decided, order)
            if routed is None or routed.route is None or routed.status != "building":
                return await self._record(loaded, quoted)
            offer = answers.offer(routed.route.chosen)
            if self._is_remote(offer):
                # Its transaction takes a while: clients see meanwhile that the order is being built.
                loaded = await self._record(loaded, quoted)
                order = loaded.order or order
            else:
                commands, order = [quoted], routed
        else:
            assert order.route is not None  # noqa: S101 - what is being built has been routed
            offer = VenueQuote(order.route.chosen)
        commands.append(await self.builder.build(loaded.order_id, order, offer))
        guards = (self.trading.guard(loaded.account_id, trading),)
        try:
            return await self.orders.execute(loaded, *commands, guards=guards, decide_again=False)
        except GuardFailedError:
            # Trading was halted or resumed meanwhile: what was signed is forgotten, and nobody has seen it.
            self.trading.forget(loaded.account_id)
            raise

    async def _send(self, loaded: LoadedOrder, attempt: Attempt) -> LoadedOrder:
        answer = await send(self.chain, signed_bytes(loaded, attempt.number))
        return await self._record(loaded, RecordSent(attempt.number, attempt.signature, answer))

    async def _record(self, loaded: LoadedOrder, command: OrderCommand) -> LoadedOrder:
        # It was learned for one state: a worker that stood still wakes with quotes, or a signature, of an old one.
        return await self.orders.execute(loaded, command, decide_again=False)

    def give_up(self, code: Code) -> GiveUp:
        return GiveUp(code, meaning(code).sentence, self.clock())

    def _is_remote(self, offer: VenueQuote) -> bool:
        group = self.builder.group_of(offer.quote.venue)
        return group is not None and group.is_remote
