"""One order's visit: from wherever the log says it stands to the first send of its next transaction.

What is decided goes down in one append: the route and the signed transaction, or nothing. Nobody but the visit whose
append stored the transaction has ever seen its bytes, so nobody else can have sent it; and nothing leaves before that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from commands.closed_elsewhere import ClosedElsewhere
from commands.last_fills import LastFills
from commands.loaded_order import LoadedOrder
from commands.orders import Decided, OrderRepository
from commands.trading import TradingStates
from domain.codes import Code, meaning
from domain.commands import FillOnPaper, GiveUp, RecordClosedElsewhere, RecordQuotes, RejectBuild, RequestCancel
from domain.decide import decide
from domain.decide_route import route_of
from domain.evolve import fold
from domain.misquoted import is_shown_false, others_at_first, were_taken_twice
from domain.next_step import Step, next_step
from domain.order import Order
from domain.time_in_force import overdue_code
from domain.trading_state import AccountTrading
from venues.permitted import HALTED_VENUE
from venues.protocol import VenueQuote
from workers.execution.builder import Builder
from workers.execution.failed_swaps import FailedSwaps
from workers.execution.joining import Joining
from workers.execution.quoting import Answers, Quoting
from workers.execution.recording import Recording


@dataclass(frozen=True, slots=True)
class Visit:
    """Takes orders on, one call an order. ``clock`` gives the time, UTC; ``may_sign``: the guard key is proven;
    ``compare`` asks for the wallet's history to be compared with the log now. With ``paper`` real orders wait.
    """

    recording: Recording
    joining: Joining
    quoting: Quoting
    builder: Builder
    clock: Callable[[], datetime]
    may_sign: Callable[[], bool]
    closed: ClosedElsewhere
    fills: LastFills
    compare: Callable[[], None]
    paper: bool = False
    failed: FailedSwaps = field(default_factory=FailedSwaps)

    @property
    def orders(self) -> OrderRepository:
        return self.recording.orders

    @property
    def trading(self) -> TradingStates:
        return self.recording.trading

    async def run(self, loaded: LoadedOrder) -> LoadedOrder:
        """The order after what could be done for it now; the same version where nothing could.

        Raises what the chain and the log raise, and ``NotApplicableError`` where another visit was first.
        """
        order = loaded.order
        step = next_step(order, self.clock()) if order else None
        if order is None or step is None or (self.paper and not order.paper):
            return loaded
        if order.obstacle == Code.GUARD_TAKEN and order.unproven_attempt:
            return loaded  # The tracker finds out which of its transactions succeeded.
        trading = await self.trading.of(loaded.account_id)
        if trading.behind or (trading.forbids(order.side) and not _cancels(order, step)):
            return loaded  # It waits; what its deadline says counts once trading is resumed.
        if order.paper:
            # Also once real orders are taken again: it never becomes one.
            return await self.recording.record(loaded, FillOnPaper(await self._quotes(order, trading)))
        closed = await self.closed.of(loaded.account_id, trading)
        if closed and self.builder.guard_of(loaded.order_id, order).address in closed:
            return await self._closed_elsewhere(loaded, order)
        if order.is_taken_elsewhere and await self._is_guard_there(loaded.order_id, order):
            # It finds the transaction; or the order that shares the guard has it, and ends this one.
            self.compare()
            return loaded
        if step == "request_cancel":
            code = overdue_code(order, self.clock())
            return await self.run(await self.recording.record(loaded, RequestCancel(code)))
        if step == "send" and (attempt := order.live_attempt):
            if attempt.purpose == "swap" and trading.forbids_swap(order.side, attempt.venue):
                return loaded
            return await self.recording.send(loaded, attempt)
        if not self.may_sign():
            return await self._cannot_sign(loaded, order)
        if step == "cancel":
            return await self.joining.cancel(loaded, order, trading)
        if step == "replace":
            return await self.joining.swap(loaded, order, trading)
        return await self._advance(loaded, order, trading)

    async def _closed_elsewhere(self, loaded: LoadedOrder, order: Order) -> LoadedOrder:
        """The tracker finds out first what became of what may have made the guard."""
        sharing = await self.orders.load(order.leg.sharing) if order.leg else None
        orders = [order, *(one.order for one in sharing.orders.values() if one.order)] if sharing else [order]
        if any(one.undecided_attempts for one in orders):
            return loaded
        return await self.recording.record(loaded, RecordClosedElsewhere())

    async def _is_guard_there(self, order_id: UUID, order: Order) -> bool:
        """In the state that simulations see; a fork may have taken back what one of them saw."""
        found = await self.recording.chain.accounts([self.builder.guard_of(order_id, order).address])
        return any(found.data)

    async def _cannot_sign(self, loaded: LoadedOrder, order: Order) -> LoadedOrder:
        if order.live_attempt or order.cancellation:
            return loaded
        return await self.recording.record(loaded, self.give_up(Code.GUARD_UNPROVEN))

    async def _advance(self, loaded: LoadedOrder, order: Order, trading: AccountTrading) -> LoadedOrder:
        """Routed, built, recorded and sent; or what stands in the way."""
        first: Decided | None = None
        refused = trading.refused_venues(order.side)
        if order.status == "routing":
            answers = await self._answers(loaded.order_id, order, refused)
            quoted = self._quoted(answers)
            decided = tuple(decide(order, quoted))
            routed = fold(decided, order)
            if routed is None or routed.route is None or routed.status != "building":
                return await self.recording.record(loaded, quoted)
            offer = answers.offer(routed.route.chosen)
            if self._is_remote(offer):
                # Its transaction takes a while: clients see meanwhile that the order is being built.
                loaded = await self.recording.record(loaded, quoted)
                order = loaded.order or order
            else:
                first, order = Decided(decided, routed), routed
        else:
            assert order.route is not None  # noqa: S101 - what is being built has been routed
            offer = VenueQuote(order.route.chosen)
            if offer.quote.venue.casefold() in refused:
                # It was routed before the venue was halted: it is routed anew.
                rejected = RejectBuild(Code.VENUE_UNAVAILABLE, HALTED_VENUE, (), self.clock())
                return await self.recording.record(loaded, rejected)
        built = await self.builder.build(loaded.order_id, order, offer)
        if isinstance(built, RejectBuild):
            built = await self._unless_outdated(loaded, offer, built)
        if isinstance(built, RejectBuild) and self._is_remote(offer):
            built = self._held_against(loaded, order, offer, built)
        return await self.recording.record_signed(loaded, trading, built, first=first)

    async def _unless_outdated(self, loaded: LoadedOrder, offer: VenueQuote, rejected: RejectBuild) -> RejectBuild:
        """That the wallet holds too little ends the order for good: a state from before the account's newest fill, or
        from before the quote that was read on the same node, can't say so.
        """
        if rejected.code != Code.INSUFFICIENT_FUNDS or not rejected.simulated:
            return rejected
        filled = await self.fills.newest_slot(loaded.account_id)
        since = filled if self._is_remote(offer) else max(filled, offer.quote.slot)
        if rejected.slot >= since:
            return rejected
        detail = f"It was simulated in the state of slot {rejected.slot}, and what is known is of slot {since}."
        return replace(rejected, code=Code.CHAIN_UNAVAILABLE, detail=detail)

    def _held_against(self, loaded: LoadedOrder, order: Order, offer: VenueQuote, rejected: RejectBuild) -> RejectBuild:
        """Hold it against the venue that its swap came to nothing, and what is to be recorded of that: where its quotes
        are shown to be false, with what others quoted at first.
        """
        venue = offer.quote.venue
        self.failed.add(loaded.order_id, venue, rejected.code)
        group = self.builder.group_of(venue)
        is_false = is_shown_false(order, rejected.code, simulated=rejected.simulated)
        if group is None or not is_false or not were_taken_twice(loaded.events, group.venues):
            return rejected
        others = others_at_first(loaded.events, group.venues)
        if others:
            group.distrust(venue, "its swaps give less than its quotes")
        return replace(rejected, others=others)

    async def _answers(self, order_id: UUID, order: Order, refused: frozenset[str]) -> Answers:
        """What the venues offer; without those whose swaps of this order failed, where the others can fill it."""
        answers = await self.quoting.ask(order, refused)
        others = self.failed.without(order_id, answers)
        return others if others and route_of(order, self._quoted(others)) else answers

    async def _quotes(self, order: Order, trading: AccountTrading) -> RecordQuotes:
        return self._quoted(await self.quoting.ask(order, trading.refused_venues(order.side)))

    def _quoted(self, answers: Answers) -> RecordQuotes:
        return RecordQuotes(answers.quotes, answers.refusals, self.clock())

    def give_up(self, code: Code) -> GiveUp:
        return GiveUp(code, meaning(code).sentence, self.clock())

    def _is_remote(self, offer: VenueQuote) -> bool:
        group = self.builder.group_of(offer.quote.venue)
        return group is not None and group.is_remote


def _cancels(order: Order, step: Step) -> bool:
    """Whether the step ends the order without a swap: a halt doesn't hold it up."""
    return step in ("request_cancel", "cancel") or (step == "send" and order.cancellation is not None)
