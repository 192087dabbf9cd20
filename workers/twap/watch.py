"""Watches the TWAPs: each slice is submitted when it is due, one after the other, whatever dies meanwhile.

It runs beside the watcher, under its lease. A slice waits while the one before it is on its way, so of one list one
slice at most is submitted at a time; what was missed moves the schedule, and never comes in a burst.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from commands.cancel import request_cancel
from commands.errors import GuardFailedError, TooManyConflictsError
from commands.orders import Guards, Loaded, OrderRepository
from commands.trading import TradingStates
from commands.twap.lists import TwapLists
from commands.twap.schedule import ScheduledSlice
from commands.twap.unfinished import unfinished
from domain.epochs import Epochs
from domain.errors import DomainError, NotApplicableError
from domain.order import Order
from domain.trading_state import AccountTrading
from domain.twap import Twap
from domain.twap_events import TWAP_TOPICS
from domain.twap_schedule import next_due
from event_store.errors import TRANSIENT_DATABASE_ERRORS, LeaseLostError, UnreadableEventError
from event_store.processors.leases import Lease
from event_store.types import NewEvent, RecordedEvent, StreamGuard
from workers.errors import TRANSIENT_ERRORS, WaitError, error_code
from workers.twap.slices import SliceOrders

log = structlog.get_logger(__name__)

BY = "the schedule"
# Seconds: how late a list is looked at that nobody told of, until the slice before may have ended, until what stands
# in the way may be gone, and how often one is looked at that is paused or broken.
LOOK_S, BUSY_S, AGAIN_S, PAUSED_S, BROKEN_S = 1.0, 0.1, 1.0, 5.0, 5.0
AT_ONCE = 50
# A row is written before its list, or the end of it, is recorded; by then nobody records it any more.
NEVER_CAME = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a list, whose newest event is ``newest``, for the slice of ``row``."""

    row: ScheduledSlice
    twap: Twap
    newest: RecordedEvent
    lease: Lease

    @property
    def account_id(self) -> UUID:
        return self.newest.account_id

    def may_change(self, now: datetime) -> bool:
        """Whether somebody who has asked for the row may be about to record that the list ends, or that slices of it
        were executed elsewhere.
        """
        return self.newest.recorded_at <= self.row.asked_at and now - self.row.asked_at < NEVER_CAME


class TwapWatch:
    """``held`` are the accounts whose dead-man's switch is due; with ``paper`` only lists on paper go on."""

    def __init__(
        self,
        lists: TwapLists,
        slices: SliceOrders,
        orders: OrderRepository,
        trading: TradingStates,
        *,
        held: Callable[[], frozenset[UUID]],
        epochs: Callable[[], Awaitable[Epochs]],
        clock: Callable[[], datetime],
        paper: bool = False,
    ) -> None:
        self._lists = lists
        self._slices = slices
        self._orders = orders
        self._trading = trading
        self._held = held
        self._epochs = epochs
        self._clock = clock
        self._paper = paper
        self._told = asyncio.Event()
        # By list what has been said to stand in its way: it is looked at again and again.
        self._said: dict[UUID, str] = {}

    def apply(self, batch: Iterable[NewEvent]) -> None:
        """Look again where a batch of events says something of a list."""
        if any(event.topic in TWAP_TOPICS for event in batch):
            self._told.set()

    async def run(self, lease: Lease) -> None:
        """Submit what is due, until cancelled. Raises ``LeaseLostError``."""
        while True:
            self._told.clear()
            pause = LOOK_S
            try:
                pause = await self._look_at_all(lease)
            except TRANSIENT_ERRORS as error:
                log.warning("the slices wait", error=type(error).__name__)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._told.wait()

    async def _look_at_all(self, lease: Lease) -> float:
        """Look at what is due; the seconds until something is again."""
        rows = await self._lists.schedule.next(AT_ONCE)
        now = self._clock()
        noted = await asyncio.gather(*(self._try(row, lease) for row in rows if row.look_at <= now))
        waiting = [row.look_at for row in rows if row.look_at > now]
        if not rows:
            return LOOK_S
        if not all(noted):
            # What could be read and not be written, as with a full disk, is due still.
            return AGAIN_S
        if noted:
            return 0.0
        return min(LOOK_S, max(0.0, (waiting[0] - self._clock()).total_seconds()))

    async def _try(self, row: ScheduledSlice, lease: Lease) -> bool:
        """Look at one; whether the schedule has taken note of it."""
        try:
            pause = await self._looked_at(row, lease)
            if pause is not None:
                await self._later(row, pause)
        except TRANSIENT_ERRORS as error:
            log.warning("a slice waits", list_id=str(row.list_id), slice=row.number, error=type(error).__name__)
            return False
        return True

    async def _looked_at(self, row: ScheduledSlice, lease: Lease) -> float | None:
        """Seconds until it is looked at again, where something stands in its way."""
        try:
            pause = await self._look(row, lease)
        except (LeaseLostError, *TRANSIENT_DATABASE_ERRORS):
            raise
        except GuardFailedError:
            # The list was paused or cancelled, or trading was, a moment ago.
            self._trading.forget(row.account_id)
            return BUSY_S
        except (WaitError, *TRANSIENT_ERRORS) as error:
            if self._is_news(row, error):
                log.info("a slice waits", list_id=str(row.list_id), slice=row.number, error=type(error).__name__)
            return AGAIN_S
        except Exception as error:
            if self._is_news(row, error):
                code = error_code(error)
                log.error("a slice can't be submitted", list_id=str(row.list_id), error=code, exc_info=error)
            return BROKEN_S
        self._said.pop(row.list_id, None)
        return pause

    def _is_news(self, row: ScheduledSlice, error: Exception) -> bool:
        """Whether something else than before stands in the list's way; the same is said once."""
        code = error_code(error)
        before, self._said[row.list_id] = self._said.get(row.list_id), code
        return code != before

    async def _look(self, row: ScheduledSlice, lease: Lease) -> float | None:
        found = await self._lists.of(row.list_id)
        if found is None:
            if self._clock() - row.asked_at < NEVER_CAME:
                return AGAIN_S
            await self._lists.schedule.drop(row)
            return None
        look = Look(row, *found, lease)
        pause = await self._act(look)
        # Its end, once it is recorded, is not to wait until the next slice is due.
        return min(pause, AGAIN_S) if pause is not None and look.may_change(self._clock()) else pause

    async def _act(self, look: Look) -> float | None:
        await self._tell_executed(look)
        if look.twap.state == "cancelled":
            return await self._cancel_slices(look)
        if look.twap.state == "active" and await self._was_put_back(look):
            if await unfinished(self._orders, look.twap) is None:
                return await self._let_go(look)
            await self._lists.pause(look.row.list_id, look.account_id, by=BY, because="the log was put back")
            return PAUSED_S
        return PAUSED_S if look.twap.state == "paused" else await self._go_on(look)

    async def _tell_executed(self, look: Look) -> None:
        """Record the slices that the chain has executed and the log has lost, whether or not the list goes on: nothing
        refuses what was swapped.
        """
        for number in await self._slices.executed(look.twap, look.account_id):
            trading = await self._trading.of(look.account_id)
            if trading.behind:
                raise WaitError("the log was put back")
            with contextlib.suppress(NotApplicableError):
                await self._slices.submit(look.twap, look.account_id, number, self._guards(look, trading))

    async def _go_on(self, look: Look) -> float | None:
        row, twap = look.row, look.twap
        numbers = (row.number - 1, row.number)
        loaded = await self._orders.load([twap.order_id(number) for number in numbers])
        before, this = (_order(loaded, twap.order_id(number)) for number in numbers)
        if this is not None or twap.was_refused(row.number):
            # It was submitted, and nobody has said so in the row.
            return await self._advance(look)
        if before is not None and is_on_its_way(before):
            return BUSY_S
        until_due = (row.due_at - self._clock()).total_seconds()
        return until_due if until_due > 0 else await self._submit(look)

    async def _submit(self, look: Look) -> float | None:
        row, twap, account_id = look.row, look.twap, look.account_id
        trading = await self._trading.of(account_id)
        if trading.behind or account_id in self._held() or (self._paper and not twap.submitted.paper):
            return AGAIN_S
        refused = await self._slices.refusal(account_id, trading, twap.terms(row.number), twap.order_id(row.number))
        if refused is not None:
            if not twap.submitted.paper and not await self._trading.compared.of(account_id):
                # The lost end may have executed it: it would be told as refused. One that is submitted ends as it did.
                return AGAIN_S
            log.warning("a slice is refused", list_id=str(row.list_id), slice=row.number, code=refused.code)
            guards = (look.lease.guard,)
            after = await self._lists.refuse_slice(
                twap, account_id, row.number, refused.code, f"{refused.detail}.", guards
            )
            if not after.was_refused(row.number):
                return BUSY_S
            return await self._advance(look)
        # Where it is recorded already, somebody else was first.
        with contextlib.suppress(NotApplicableError):
            await self._slices.submit(twap, account_id, row.number, self._guards(look, trading))
        return await self._advance(look)

    def _guards(self, look: Look, trading: AccountTrading) -> Guards:
        own = StreamGuard(look.row.list_id, look.twap.version)
        return (look.lease.guard, own, *self._trading.guards(look.account_id, trading))

    async def _advance(self, look: Look) -> float | None:
        """The slice after this one is next: due by when this one was submitted."""
        row, twap, now = look.row, look.twap, self._clock()
        if row.number == twap.slices:
            return await self._let_go(look)
        recorded = await self._orders.recorded(twap.order_id(row.number))
        submitted_at = recorded[0].recorded_at if recorded else now
        due_at = next_due(row.due_at, twap.every, submitted_at)
        look_at = min(due_at, now + timedelta(seconds=AGAIN_S)) if look.may_change(now) else due_at
        await self._lists.schedule.advance(row, due_at, look_at)
        return None

    async def _cancel_slices(self, look: Look) -> float | None:
        """Ask for the cancel of what is open. Whoever cancelled the list does so, too, unless it died meanwhile."""
        said = f"its list {look.row.list_id} is cancelled" + (f": {look.twap.because}" if look.twap.because else "")
        # All of them: the row may be a new one, which begins with the first slice.
        loaded = await self._orders.load(look.twap.order_ids)
        conflicts = False
        for order_id, history in loaded.orders.items():
            if history.order is not None and not history.order.ended:
                try:
                    await request_cancel(self._orders, self._trading, order_id, by=BY, because=said)
                except (DomainError, TooManyConflictsError, UnreadableEventError) as refused:
                    if error_code(refused) in ("log_behind", "account_unreadable", "history_not_compared"):
                        raise WaitError("the log was put back, or may have been") from None
                    conflicts = conflicts or isinstance(refused, TooManyConflictsError)
                    log.warning("a slice isn't cancelled", order_id=str(order_id), error=error_code(refused))
        return AGAIN_S if conflicts else await self._let_go(look)

    async def _let_go(self, look: Look) -> float | None:
        """Of a list that has nothing to come: not while somebody may be about to record what asks for more."""
        if look.may_change(self._clock()):
            return AGAIN_S  # Without its row nobody would cancel what is open, or tell what was executed elsewhere.
        await self._lists.schedule.drop(look.row)
        return None

    async def _was_put_back(self, look: Look) -> bool:
        """Whether the log was found to be put back since the list's newest event: it may have lost that the list was
        cancelled. To which moment it was put back is not always known.
        """
        return look.newest.position < (await self._epochs()).found_at

    async def _later(self, row: ScheduledSlice, seconds: float) -> None:
        await self._lists.schedule.put_off(row, self._clock() + timedelta(seconds=seconds))


def is_on_its_way(order: Order) -> bool:
    """Whether a slice is being executed; one that rests until its price is there keeps no other back."""
    return not order.ended and not order.waits_for_price


def _order(loaded: Loaded, order_id: UUID) -> Order | None:
    """Raises ``UnreadableEventError`` where it is there and can't be read."""
    if unreadable := loaded.unreadable.get(order_id):
        raise unreadable
    history = loaded.orders.get(order_id)
    return history.order if history else None
