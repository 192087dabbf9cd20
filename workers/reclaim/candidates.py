"""Which of the guards that are due are closed: their orders as the log has them, against what the chain shows now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from solders.pubkey import Pubkey

from chains.guard import GuardKey
from chains.protocol import Chain
from chains.reclaim import token_account_of
from commands.foreign_reclaims import ForeignReclaims
from commands.orders import OrderRepository
from domain.account import ContradictionFound
from domain.legs import guard_name
from domain.order import Order
from domain.reclaim import MOST_GUARDS, GuardedOrder
from domain.reclaim_events import GuardToClose
from event_store.errors import UnreadableEventError
from event_store.read.log import Log
from workers.reclaim.guard_table import GuardRow, GuardTable, Postponed
from workers.reclaim.judgement import LATER, Close, Judgement, Keep, NoGuard, Rule, Vanished, is_final, judge

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Closable:
    """A guard that may be closed, in a reclaim of at most ``largest``."""

    guard: GuardToClose
    largest: int
    sharing: tuple[GuardedOrder, ...]


@dataclass(slots=True)
class Judged:
    """What the guards that were due come to."""

    closable: list[Closable] = field(default_factory=list)
    postponed: list[Postponed] = field(default_factory=list)
    dropped: list[UUID] = field(default_factory=list)
    vanished: list[ContradictionFound] = field(default_factory=list)


class Candidates:
    """Judges guards of ``wallet`` that ``guard_key`` makes and closes."""

    def __init__(
        self,
        table: GuardTable,
        log: Log,
        orders: OrderRepository,
        elsewhere: ForeignReclaims,
        chain: Chain,
        *,
        wallet: str,
        guard_key: GuardKey,
    ) -> None:
        self._table = table
        self._log = log
        self._orders = orders
        self._elsewhere = elsewhere
        self._chain = chain
        self._wallet = wallet
        self._guard_key = guard_key
        self._authority = bytes(Pubkey.from_string(guard_key.authority))

    async def judge(self, account_id: UUID, rows: Sequence[GuardRow], genesis_hash: str) -> Judged:
        """Raises what the log and the chain raise."""
        judged = Judged()
        by_guard = await self._load(rows, judged)
        if not by_guard:
            return judged
        seen = await self._chain.guards(genesis_hash, list(by_guard))
        final = await self._final([one for sharing in by_guard.values() for one in sharing])
        rule = Rule(self._table.keep, await self._table.now(), self._authority, await self._takes_tokens())
        closed = await self._elsewhere.closed(account_id)
        largest = {row.order_id: row.largest for row in rows}
        for guard, sharing in by_guard.items():
            answer = judge(guard, sharing, seen, final=final.issuperset(one.order_id for one in sharing), rule=rule)
            if isinstance(answer, Vanished) and guard in closed:
                answer = NoGuard()
            self._sort(judged, guard, sharing, answer, largest, rule)
        return judged

    async def _load(self, rows: Sequence[GuardRow], judged: Judged) -> dict[str, list[GuardedOrder]]:
        """The orders by the guard they share, with those that share it and aren't due, or haven't ended."""
        by_guard: dict[str, list[GuardedOrder]] = defaultdict(list)
        since, now = {row.order_id: row.since for row in rows}, await self._table.now()
        found, unreadable = await self._read(list(since))
        beside = {other for one in found for other in (one.order.leg.sharing if one.order.leg else ())}
        others, unreadable_others = await self._read(sorted(beside - since.keys()))
        unreadable |= unreadable_others
        for order_id in since.keys() & unreadable.keys():
            obstacle = f"its order can't be read: {unreadable[order_id]}"
            judged.postponed.append(Postponed(order_id, since[order_id], now + LATER, obstacle))
        for one in (*found, *others):
            sharing = one.order.leg.sharing if one.order.leg else ()
            if hidden := next((other for other in sharing if other in unreadable), None):
                obstacle = f"order {hidden}, which shares it, can't be read"
                judged.postponed.append(Postponed(one.order_id, one.last_event_at, now + LATER, obstacle))
            elif guard := self._guard_of(one.order_id, one.order):
                by_guard[guard].append(one)
            else:
                judged.dropped.append(one.order_id)
        return by_guard

    async def _read(self, order_ids: Sequence[UUID]) -> tuple[list[GuardedOrder], dict[UUID, UnreadableEventError]]:
        """The orders as the log has them, and those that can't be read."""
        found: list[GuardedOrder] = []
        unreadable: dict[UUID, UnreadableEventError] = {}
        for order_id, recorded in (await self._log.load_many(dict.fromkeys(order_ids, 0))).items():
            if not recorded:
                continue
            try:
                order = self._orders.history(recorded).order
            except UnreadableEventError as damaged:
                unreadable[order_id] = damaged
                continue
            assert order is not None  # noqa: S101 - a stream that has begun has an order
            found.append(GuardedOrder(order_id, order, recorded[-1].recorded_at))
        return found, unreadable

    def _guard_of(self, order_id: UUID, order: Order) -> str | None:
        """None where its transactions are from before guards. Of one without any, somebody else's may have made it."""
        if order.attempts:
            return order.guard
        return self._guard_key.of_order(self._wallet, guard_name(order_id, order.leg)).address

    async def _final(self, orders: Sequence[GuardedOrder]) -> set[UUID]:
        """Those of which no recorded swap can be undone by a fork any more."""
        asked = {one.order_id: one.order.fill for one in orders if one.order.fill and not one.order.is_settled}
        final = {one.order_id for one in orders} - asked.keys()
        if not asked:
            return final
        signatures = [fill.tx_hash for fill in asked.values() if fill]
        statuses = await self._chain.statuses(signatures, search_history=True)
        tracked = await self._table.tracked(list(asked))
        for order_id, status in zip(asked, statuses.found, strict=True):
            if is_final(status, tracked=order_id in tracked):
                final.add(order_id)
        return final

    async def _takes_tokens(self) -> bool:
        return (await self._chain.accounts([token_account_of(self._wallet)])).data[0] is not None

    @staticmethod
    def _sort(
        judged: Judged,
        guard: str,
        sharing: Sequence[GuardedOrder],
        answer: Judgement,
        largest: dict[UUID, int],
        rule: Rule,
    ) -> None:
        # Whose transaction made it comes first: the rent counts as that order's.
        by_maker = sorted(sharing, key=lambda one: one.order.guard_taker is None)
        order_ids = tuple(one.order_id for one in by_maker)
        match answer:
            case Close(account):
                closing = GuardToClose(
                    guard=guard, order_ids=order_ids, lamports=account.lamports, tokens=account.tokens
                )
                most = min(largest.get(one, MOST_GUARDS) for one in order_ids)
                judged.closable.append(Closable(closing, most, tuple(sharing)))
            case NoGuard():
                judged.dropped += order_ids
            case Keep(reason, until):
                judged.postponed += (Postponed(one.order_id, one.last_event_at, until, reason) for one in sharing)
            case Vanished():
                gone = "the chain does not show it, and no reclaim of this log has closed it"
                until = rule.now + LATER
                judged.postponed += (Postponed(one.order_id, one.last_event_at, until, gone) for one in sharing)
                judged.vanished.append(_vanished(guard, sharing[0]))


def _vanished(guard: str, one: GuardedOrder) -> ContradictionFound:
    number, signature = _maker(one.order)
    return ContradictionFound(
        kind="guard_gone",
        order_id=one.order_id,
        attempt=number,
        signature=signature,
        detail=f"The order's guard {guard} is not on the chain any more, and no reclaim of this log has closed it.",
    )


def _maker(order: Order) -> tuple[int, str]:
    """The attempt whose transaction made the guard, the last one where the log doesn't say; an order that was executed
    from elsewhere may have none of its own.
    """
    maker = order.guard_taken_by
    own = {attempt.signature: attempt.number for attempt in order.attempts}
    if maker is not None:
        return own.get(maker, 1), maker
    last = next(reversed(order.attempts), None)
    return (last.number, last.signature) if last else (1, "")
