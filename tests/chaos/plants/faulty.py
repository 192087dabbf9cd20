"""The faults: each is a mistake that somebody in this field has made, in the role that would make it."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import structlog

from api.streams import _Telling
from chains.transactions import MAX_COMPUTE_UNITS, compose
from commands.loaded_order import LoadedOrder
from domain.codes import Code, meaning
from domain.commands import OrderCommand, RecordBuilt
from domain.events import OrderFailed
from domain.order import Attempt
from event_store.processors.leases import Lease
from workers.dispatch.next_work import WorkBatch
from workers.dispatch.work import Cursor, WorkTable
from workers.stages.build import Build, BuildContext
from workers.stages.submit import Submit, signed_bytes
from workers.tracker.tracked_attempt import TrackedAttempt
from workers.tracker.tracker import Tracker
from workers.watcher.book_feed import BookFeed

_dice = random.Random(1)


def resign_after_timeout() -> None:
    """A send that wasn't answered well is taken for one that failed: the swap is signed and sent again."""
    contexts: list[BuildContext] = []
    made, sent = Build.__init__, Submit._send

    def remembered(self: Build, *arguments: Any) -> None:
        made(self, *arguments)
        contexts.append(arguments[-1])

    async def again(self: Submit, history: LoadedOrder, attempt: Attempt) -> OrderCommand:
        command = await sent(self, history, attempt)
        if getattr(command, "answer", "") != "accepted" and history.order:
            context = contexts[0]
            venue = next(one for one in context.venues if one.name == attempt.quote.venue)
            message = compose(
                venue.swap(attempt.quote, owner=context.wallet.address, minimum_out=attempt.minimum_out),
                wallet=context.wallet.address,
                order_id=history.order_id,
                attempt=attempt.number + 1,
                blockhash=(await context.blockhashes.latest()).blockhash,
                compute_units=MAX_COMPUTE_UNITS,
            )
            await context.chain.send(bytes(context.wallet.sign(message)))
        return command

    Build.__init__, Submit._send = remembered, again  # type: ignore[method-assign]


def fail_what_is_not_seen() -> None:
    """A transaction that no status shows for a moment is taken for one that never landed: the order fails."""
    not_on_chain = Tracker._not_on_chain

    async def failed(self: Tracker, lease: Lease, one: TrackedAttempt) -> None:
        await not_on_chain(self, lease, one)
        orders = self._recorder._orders
        history = (await orders.load([one.order_id])).orders[one.order_id]
        if history.order and history.order.live_attempt and history.order.live_attempt.submitted:
            code = Code.TRANSACTION_EXPIRED
            end = OrderFailed(code=code, detail=meaning(code).sentence, retryable=True)
            await orders._append(history, [end], uuid4(), (), ())

    Tracker._not_on_chain = failed  # type: ignore[method-assign]


def forget_work() -> None:
    """One step in twenty is dropped between the log and the work table, and nothing derives it again."""
    record = WorkTable.record

    async def some(self: WorkTable, cursor: Cursor, digest: WorkBatch) -> set[UUID]:
        moves = tuple(move for move in digest.moves if _dice.random() > 0.05)
        return await record(self, cursor, WorkBatch(moves, digest.tracked))

    async def none(self: WorkTable, after: int, upto: int) -> int:
        return 0

    WorkTable.record = some  # type: ignore[method-assign]
    WorkTable.derive_open = WorkTable.derive_window = none  # type: ignore[method-assign]


def lose_a_message() -> None:
    """One message in a hundred is never sent to the subscriber."""
    tell = _Telling.tell

    async def most(self: _Telling, recorded: Any) -> None:
        socket, self._socket = self._socket, _Nobody() if _dice.random() < 0.01 else self._socket  # type: ignore[assignment]
        await tell(self, recorded)
        self._socket = socket

    _Telling.tell = most  # type: ignore[method-assign]


class _Nobody:
    async def send_text(self, text: str) -> None: ...


def log_the_bytes() -> None:
    """What is sent is logged, for whoever debugs it."""
    sent = Submit._send

    async def logged(self: Submit, history: LoadedOrder, attempt: Attempt) -> OrderCommand:
        transaction = base64.b64encode(signed_bytes(history, attempt.number)).decode()
        structlog.get_logger().info("sending", transaction=transaction)
        return await sent(self, history, attempt)

    Submit._send = logged  # type: ignore[method-assign]


def send_before_it_is_durable() -> None:
    """The transaction is on its way before its record is: a crash in between, and nobody knows of it."""
    build, contexts = Build._build, list[BuildContext]()
    made = Build.__init__

    def remembered(self: Build, *arguments: Any) -> None:
        made(self, *arguments)
        contexts.append(arguments[-1])

    async def sent(self: Build, *arguments: Any) -> OrderCommand:
        command = await build(self, *arguments)
        if isinstance(command, RecordBuilt):
            await contexts[0].chain.send(base64.b64decode(command.transaction))
        return command

    Build.__init__, Build._build = remembered, sent  # type: ignore[method-assign]


def overlook_the_waiting() -> None:
    """One waiting order in five never gets into the watcher's book."""
    place = BookFeed.place

    def most(self: BookFeed, history: LoadedOrder) -> None:
        if history.order_id.int % 5:
            place(self, history)

    BookFeed.place = most  # type: ignore[method-assign]


# The role each is planted in, the plant, and the faults that bring it out.
PLANTS: dict[str, tuple[str, Callable[[], None], tuple[str, ...]]] = {
    "resign-after-timeout": ("worker", resign_after_timeout, ("node timeout", "node error")),
    "fail-what-is-not-seen": ("tracker", fail_what_is_not_seen, ("node delay", "node blind")),
    "forget-work": ("relay", forget_work, ()),
    "lose-a-message": ("api", lose_a_message, ()),
    "log-the-bytes": ("worker", log_the_bytes, ()),
    "send-before-it-is-durable": ("worker", send_before_it_is_durable, ()),
    "overlook-the-waiting": ("watcher", overlook_the_waiting, ()),
}
