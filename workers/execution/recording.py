"""Recording what a visit decided and sending what is recorded: nothing leaves before it is durable."""

from __future__ import annotations

from dataclasses import dataclass

from chains.protocol import Chain
from commands.errors import GuardFailedError
from commands.loaded_order import LoadedOrder
from commands.orders import Decided, OrderRepository
from commands.trading import TradingStates
from domain.commands import OrderCommand, RecordSent
from domain.order import Attempt
from domain.trading_state import AccountTrading
from workers.execution.sending import send, signed_bytes


@dataclass(frozen=True, slots=True)
class Recording:
    """What is learned is learned for one state of the order: a worker that stood still wakes with quotes, or a
    signature, of an old one. So nothing here is decided again at another version; ``NotApplicableError`` says that
    somebody was first.
    """

    orders: OrderRepository
    trading: TradingStates
    chain: Chain

    async def record(self, loaded: LoadedOrder, command: OrderCommand) -> LoadedOrder:
        return await self.orders.execute(loaded, command, decide_again=False)

    async def record_signed(
        self, loaded: LoadedOrder, trading: AccountTrading, command: OrderCommand, *, first: Decided | None = None
    ) -> LoadedOrder:
        """Append ``first`` and what is signed, while the account trades as ``trading`` says, and send it."""
        guards = self.trading.guards(loaded.account_id, trading)
        try:
            built = await self.orders.execute(loaded, command, guards=guards, decide_again=False, first=first)
        except GuardFailedError:
            # Trading was halted or resumed meanwhile: what was signed is forgotten, and nobody has seen it.
            self.trading.forget(loaded.account_id)
            raise
        attempt = built.order.live_attempt if built.order and built.version > loaded.version else None
        return await self.send(built, attempt) if attempt and not attempt.submitted else built

    async def send(self, loaded: LoadedOrder, attempt: Attempt) -> LoadedOrder:
        """The first send of an attempt, and its record; whatever was answered proves nothing."""
        answer = await send(self.chain, signed_bytes(loaded, attempt.number))
        return await self.record(loaded, RecordSent(attempt.number, attempt.signature, answer))
