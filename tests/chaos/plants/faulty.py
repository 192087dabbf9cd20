"""The faults: each is a mistake that somebody in this field has made, in the role that would make it."""

from __future__ import annotations

import base64
import dataclasses
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import structlog

from chains import solana_client
from chains.guard import GuardKey
from chains.guard_accounts import GuardsSeen
from commands.loaded_order import LoadedOrder
from domain import decide_built, evidence
from domain.codes import Code, meaning
from domain.commands import RecordBuilt, RejectBuild
from domain.events import OrderFailed, TransactionBuilt, TransactionSubmitted
from domain.order import Attempt, Order
from domain.reclaim import GuardedOrder
from event_store.processors.leases import Lease
from projections.followed_order import Follower
from tests.chaos.storm.options import Option
from venues.protocol import VenueQuote
from workers.dispatch.next_work import WorkBatch
from workers.dispatch.work import Cursor, WorkTable
from workers.execution.builder import Builder
from workers.execution.recording import Recording
from workers.execution.sending import signed_bytes
from workers.execution.visit import Visit
from workers.reclaim import candidates, judgement
from workers.reclaim.guard_table import GuardRow, GuardTable
from workers.reclaim.judgement import Close, Judgement, Rule
from workers.tracker.tracked_attempt import TrackedAttempt
from workers.tracker.tracker import Tracker
from workers.watcher.book_feed import BookFeed

_dice = random.Random(1)


def resign_after_timeout() -> None:
    """A send that wasn't answered well is taken for one that failed: the swap is signed and sent again."""
    visited = Visit.run

    async def again(self: Visit, loaded: LoadedOrder) -> LoadedOrder:
        after = await visited(self, loaded)
        told, order = after.events[-1], after.order
        if isinstance(told, TransactionSubmitted) and told.answer != "accepted" and order and order.route:
            built = await self.builder.build(after.order_id, order, VenueQuote(order.route.chosen))
            if isinstance(built, RecordBuilt):
                await self.recording.chain.send(base64.b64decode(built.transaction))
        return after

    Visit.run = again  # type: ignore[method-assign]


def fail_what_is_not_seen() -> None:
    """A transaction that no status shows for a moment is taken for one that never landed: the order fails."""
    sent_again = Tracker._send

    async def failed(self: Tracker, lease: Lease, one: TrackedAttempt) -> None:
        await sent_again(self, lease, one)
        orders = self._recorder._orders
        history = (await orders.load([one.order_id])).orders[one.order_id]
        if history.order and history.order.live_attempt and history.order.live_attempt.submitted:
            code = Code.TRANSACTION_EXPIRED
            end = OrderFailed(code=code, detail=meaning(code).sentence, retryable=True)
            await orders._append(history, [end], uuid4(), (), ())

    Tracker._send = failed  # type: ignore[method-assign]


def forget_work() -> None:
    """One step in five is dropped between the log and the work table, and nothing derives it again."""
    record = WorkTable.record

    async def some(self: WorkTable, cursor: Cursor, batch: WorkBatch) -> None:
        moves = tuple(move for move in batch.moves if _dice.random() > 0.2)
        await record(self, cursor, WorkBatch(moves, batch.tracked))

    async def none(self: WorkTable, after: int, upto: int) -> int:
        return 0

    WorkTable.record = some  # type: ignore[method-assign]
    WorkTable.derive_open = WorkTable.derive_window = none  # type: ignore[method-assign]


def lose_a_message() -> None:
    """One message in a hundred is never sent to the subscriber."""
    following = Follower.next

    def most(self: Follower) -> str | None:
        text = following(self)
        return following(self) if text is not None and _dice.random() < 0.01 else text

    Follower.next = most  # type: ignore[method-assign]


def log_the_bytes() -> None:
    """What is sent is logged, for whoever debugs it."""
    sent = Recording.send

    async def logged(self: Recording, loaded: LoadedOrder, attempt: Attempt) -> LoadedOrder:
        transaction = base64.b64encode(signed_bytes(loaded, attempt.number)).decode()
        structlog.get_logger().info("sending", transaction=transaction)
        return await sent(self, loaded, attempt)

    Recording.send = logged  # type: ignore[method-assign]


def send_before_it_is_durable() -> None:
    """The transaction is on its way before its record is: a crash in between, and nobody knows of it."""
    build = Builder.build

    async def sent(self: Builder, order_id: UUID, order: Order, offer: VenueQuote) -> RecordBuilt | RejectBuild:
        command = await build(self, order_id, order, offer)
        if isinstance(command, RecordBuilt):
            await self._context.chain.send(base64.b64decode(command.transaction))
        return command

    Builder.build = sent  # type: ignore[method-assign]


def overlook_the_waiting() -> None:
    """One waiting order in five never gets into the watcher's book."""
    place = BookFeed.place

    def most(self: BookFeed, history: LoadedOrder) -> None:
        if history.order_id.int % 5:
            place(self, history)

    BookFeed.place = most  # type: ignore[method-assign]


def reclaim_early() -> None:
    """A guard is closed as soon as its order's swap is final: neither GUARD_KEEP nor its attempts' heights count."""
    judge_in_time = judgement.judge

    def early(guard: str, sharing: Sequence[GuardedOrder], seen: GuardsSeen, *, final: bool, rule: Rule) -> Judgement:
        account = seen.there.get(guard)
        return Close(account) if account else judge_in_time(guard, sharing, seen, final=final, rule=rule)

    async def soon(self: GuardTable, limit: int) -> list[GuardRow]:
        return await due(GuardTable(self._pool, timedelta()), limit)

    async def soon_again(self: GuardTable) -> float | None:
        return await next_due(GuardTable(self._pool, timedelta()))

    due, next_due = GuardTable.due, GuardTable.next_due
    GuardTable.due, GuardTable.next_due = soon, soon_again  # type: ignore[method-assign]
    candidates.judge = early  # type: ignore[attr-defined]


def fresh_guard() -> None:
    """A swap that joins one nobody sees makes a guard of its own, so that the chain lets both succeed."""
    build, built = Builder.build, decide_built._built

    async def with_another(self: Builder, order_id: UUID, order: Order, offer: VenueQuote) -> RecordBuilt | RejectBuild:
        if not order.live_attempts:
            return await build(self, order_id, order, offer)
        key = GuardKey(uuid4().bytes + uuid4().bytes)
        other = Builder(dataclasses.replace(self._context, guard_key=key), self._clock)
        return await build(other, order_id, order, offer)

    def unchecked(order: Order, command: RecordBuilt) -> TransactionBuilt:
        return built(order.model_copy(update={"attempts": _unguarded(order.attempts)}), command)

    Builder.build = with_another  # type: ignore[method-assign]
    decide_built._built = unchecked


def _unguarded(attempts: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
    return tuple(attempt.model_copy(update={"guard": None}) for attempt in attempts)


def believe_one_node() -> None:
    """One endpoint's word counts where two are configured."""

    def any_of_them(answers: int, configured: int) -> bool:
        return answers > 0

    for module in (evidence, solana_client):
        module.enough = any_of_them  # type: ignore[attr-defined]


def end_on_absence() -> None:
    """No guard in the newest finalized state of one endpoint is taken for "never landed": the order fails.

    The height at which its transactions can't land any more isn't waited for.
    """
    sent_again = Tracker._send

    async def ended(self: Tracker, lease: Lease, one: TrackedAttempt) -> None:
        await sent_again(self, lease, one)
        orders = self._recorder._orders
        history = (await orders.load([one.order_id])).orders[one.order_id]
        order = history.order
        if order and order.guard and not order.ended and not await self._chain.is_finalized(order.guard):
            code = Code.TRANSACTION_EXPIRED
            end = OrderFailed(code=code, detail=meaning(code).sentence, retryable=True)
            await orders._append(history, [end], uuid4(), (), ())

    Tracker._send = ended  # type: ignore[method-assign]


@dataclass(frozen=True)
class Plant:
    """A fault of the ``role``'s, put there by ``put_in``; the strikes and the storm's options that bring it out."""

    role: str
    put_in: Callable[[], None]
    first: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()


PLANTS: dict[str, Plant] = {
    "resign-after-timeout": Plant("worker", resign_after_timeout, ("node timeout", "node error")),
    "fail-what-is-not-seen": Plant("tracker", fail_what_is_not_seen, ("node delay", "node blind")),
    "forget-work": Plant("projector", forget_work, ("kill worker", "empty valkey", "node error")),
    "lose-a-message": Plant("api", lose_a_message),
    "log-the-bytes": Plant("worker", log_the_bytes),
    "send-before-it-is-durable": Plant("worker", send_before_it_is_durable),
    "overlook-the-waiting": Plant("watcher", overlook_the_waiting),
    "fresh-guard": Plant("worker", fresh_guard, ("node delay", "node blind"), ("replacements",)),
    "believe-one-node": Plant("tracker", believe_one_node, ("node timeout", "node error"), ("liar", "cancels")),
    "end-on-absence": Plant("tracker", end_on_absence, ("node delay", "node blind")),
    "reclaim-early": Plant("worker", reclaim_early),
}
