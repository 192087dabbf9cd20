"""Transactions on the chain that name an order, are signed by the wallet, and that the log doesn't know.

Each is recorded once. Where the log has the order, a success ends it in the same append; where the log has lost it,
what is recorded ends it as soon as it is posted again. So nothing that was executed is executed again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from uuid import UUID, uuid4

from commands.accounts import Accounts, account_event, account_events
from commands.errors import GuardFailedError, TooManyConflictsError
from commands.ids import now
from commands.loaded_order import LoadedOrder
from commands.orders import MOST_CONFLICTS, OrderRepository
from commands.twap.lost_slices import LostSlices
from domain.account import ContradictionFound, foreign_transactions_stream
from domain.commands import RecordElsewhere
from domain.errors import LandedAfterEndError, NotApplicableError
from domain.events import TransactionBuilt
from domain.log_behind import ForeignTransactionFound
from domain.order import Order
from event_store.append.appender import Appender
from event_store.mapper import UNREADABLE, EventMapper
from event_store.read.log import Log
from event_store.types import AppendRequest, Conflict, NewEvent, StreamGuard

_AT_ONCE = 500


class ForeignTransactions:
    """The command side's access to what was found of them."""

    def __init__(
        self,
        log: Log,
        appender: Appender,
        mapper: EventMapper,
        orders: OrderRepository,
        accounts: Accounts,
        slices: LostSlices,
    ) -> None:
        self._log = log
        self._appender = appender
        self._mapper = mapper
        self._orders = orders
        self._accounts = accounts
        self._slices = slices

    async def found(self, account_id: UUID) -> list[ForeignTransactionFound]:
        """What is recorded, in the order in which it was."""
        recorded = await self._log.load(foreign_transactions_stream(account_id))
        events = account_events(self._mapper, recorded)
        return [event for event in events if isinstance(event, ForeignTransactionFound)]

    async def unknown(self, account_id: UUID, listed: Mapping[str, UUID]) -> set[str]:
        """Those signatures, each given with its order, that the log has neither signed nor recorded as foreign.

        An order that can't be read may have signed any of its own: its damage is no other order's.
        """
        unknown = set(listed)
        if unknown:
            unknown -= await self._signed({listed[signature] for signature in unknown})
        if unknown:
            unknown -= {one.signature for one in await self.found(account_id)}
        if unknown:
            # Each is set aside by whoever reads it whole, and named by `surefill verify`.
            damaged = (await self._orders.load(list({listed[signature] for signature in unknown}))).unreadable
            unknown = {signature for signature in unknown if listed[signature] not in damaged}
        return unknown

    async def own_makers(
        self, account_id: UUID, order_ids: Collection[UUID], succeeded: Collection[str]
    ) -> dict[str, set[str]]:
        """By guard, which transactions made it that the log has recorded as foreign, or has signed for one of the
        orders, or for those that share its guard, and that have ``succeeded``.
        """
        made: dict[str, set[str]] = defaultdict(set)
        for one in await self.found(account_id):
            if one.guard and not one.failed:
                made[one.guard].add(one.signature)
        asked = await self._loaded(order_ids)
        sharing = {other for order in asked.values() if order.leg for other in order.leg.sharing}
        for order in (asked | await self._loaded(sharing - asked.keys())).values():
            for attempt in order.attempts:
                if attempt.guard and attempt.signature in succeeded:
                    made[attempt.guard].add(attempt.signature)
        return dict(made)

    async def _loaded(self, order_ids: Iterable[UUID]) -> dict[UUID, Order]:
        """Those of the orders that are there and can be read."""
        loaded, ids = dict[UUID, Order](), list(order_ids)
        for start in range(0, len(ids), _AT_ONCE):
            histories = (await self._orders.load(ids[start : start + _AT_ONCE])).orders
            loaded |= {order_id: one.order for order_id, one in histories.items() if one.order}
        return loaded

    async def _signed(self, order_ids: Iterable[UUID]) -> set[str]:
        """Every signature of the orders' own attempts, as far as they can be read."""
        signatures: set[str] = set()
        for _, state in await self._log.states(list(order_ids), TransactionBuilt.TOPIC):
            try:
                built = self._mapper.load(TransactionBuilt.TOPIC, bytes(state))
            except UNREADABLE:
                continue
            if isinstance(built, TransactionBuilt):
                signatures.add(built.signature)
        return signatures

    async def record(self, account_id: UUID, found: Sequence[ForeignTransactionFound]) -> list[ForeignTransactionFound]:
        """Record those that aren't recorded yet, each with what follows for its order, and return them.

        A success after another end of its order is a contradiction, and is recorded as one, too.
        """
        stored: list[ForeignTransactionFound] = []
        known = await self.found(account_id)
        await self._look_at_lists(account_id, found, {one.signature for one in known})
        for one in found:
            for _ in range(MOST_CONFLICTS):
                if any(before.signature == one.signature for before in known):
                    break
                if await self._record(account_id, one, len(known) + 1):
                    known.append(one)
                    stored.append(one)
                    break
                known = await self.found(account_id)
            else:
                raise TooManyConflictsError(str(one.order_id))
        return stored

    async def _look_at_lists(
        self, account_id: UUID, found: Sequence[ForeignTransactionFound], known: Container[str]
    ) -> None:
        """Orders of lists become so again by whoever watches these, others by their post."""
        executed = [one.order_id for one in found if not one.failed and one.signature not in known]
        lost = set(executed)
        for start in range(0, len(executed), _AT_ONCE):
            loaded = await self._orders.load(executed[start : start + _AT_ONCE])
            lost -= loaded.orders.keys() | loaded.unreadable.keys()
        await self._slices.look_at(account_id, lost, now())

    async def settle(self, account_id: UUID) -> int:
        """End the orders that were posted while it was being recorded that they were executed; returns how many."""
        executed = {one.order_id: one for one in await self.found(account_id) if not one.failed}
        settled = 0
        order_ids = list(executed)
        for start in range(0, len(order_ids), _AT_ONCE):
            loaded = await self._orders.load(order_ids[start : start + _AT_ONCE])
            for order_id, history in loaded.orders.items():
                if history.order and history.order.guard_taken_by is None:
                    settled += await self._end(account_id, history, executed[order_id], ())
        return settled

    async def _record(self, account_id: UUID, found: ForeignTransactionFound, version: int) -> bool:
        """Whether it was stored; False where another was first."""
        stream_id = foreign_transactions_stream(account_id)
        note = account_event(self._mapper, account_id, uuid4(), stream_id, version, found)
        loaded = await self._orders.load([found.order_id])
        history = loaded.orders.get(found.order_id)
        if history is not None and not found.failed:
            try:
                if await self._end(account_id, history, found, (note,)):
                    return True
            except GuardFailedError:
                return False
        is_there = history is not None or found.order_id in loaded.unreadable
        # One that is posted in this very moment has to be ended, too.
        guards = () if is_there else (StreamGuard(found.order_id, 0),)
        outcome = await self._appender.append(AppendRequest((note,), guards))
        return not isinstance(outcome, Conflict)

    async def _end(
        self, account_id: UUID, history: LoadedOrder, found: ForeignTransactionFound, beside: Sequence[NewEvent]
    ) -> bool:
        """Whether the order ended by it, and what belongs ``beside`` that was stored."""
        try:
            await self._orders.execute(history, RecordElsewhere(found), beside=beside)
        except NotApplicableError:
            return False
        except LandedAfterEndError as contradiction:
            contradicted = ContradictionFound(
                kind=contradiction.kind,
                order_id=found.order_id,
                attempt=found.attempt,
                signature=found.signature,
                detail=contradiction.detail,
            )
            await self._accounts.contradict(account_id, contradicted)
            return False
        return True
