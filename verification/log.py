"""The log against itself, what it folds to, and the read models: one pass by position, one by stream."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from uuid import UUID

from domain.account import ContradictionFound, TradingResumed
from domain.account_event import AccountEvent
from domain.events import OrderEvent, OrderSubmitted
from domain.log_behind import ForeignReclaimFound, ForeignTransactionFound, LogFoundBehind, unrecovered
from domain.reclaim_events import ReclaimBuilt
from domain.twap_events import TWAP_TOPICS
from event_store.errors import UnknownTopicError, UnreadableEventError
from event_store.hash_chain.verification import (
    RESTORE,
    Finding,
    LogCheckpoint,
    Verdict,
    verify_positions,
    verify_stream,
)
from event_store.mapper import EventMapper
from event_store.read.snapshot import Snapshot
from event_store.types import RecordedEvent
from projections.history import OrderState, advance, order_event
from projections.orders import NAME
from projections.orders.verification import REBUILD, OrdersRows
from verification.attempts import Attempts, attempts_of
from verification.directory import directory_fault, is_directory_topic
from verification.guards import MADE_AGAIN, GuardRows
from verification.reclaims import RecordedReclaims, foreign_reclaim, recorded_reclaim
from verification.report import RECONCILE, RECOVER, Report, Track
from verification.shared_guards import verify_shared_guards
from verification.twaps import Twaps

_EVERY = 2**63 - 1
_ORDER = "order."


def verify_log(
    snapshot: Snapshot,
    mapper: EventMapper,
    attempts: Attempts,
    reclaims: RecordedReclaims,
    guards: GuardRows,
    report: Report,
    track: Track,
    checkpoint: LogCheckpoint | None,
) -> None:
    """Everything that PostgreSQL alone can show; what was recorded of attempts goes to ``attempts``, of rents to
    ``reclaims``. ``guards`` are the rows of the same snapshot.
    """
    head = snapshot.head()
    links = track(snapshot.links(_EVERY), head.position, "positions")
    report.add_all(verify_positions(links, head, checkpoint))
    rows = OrdersRows(snapshot)
    for table, position, mended in (
        (NAME, rows.position, "rebuild the read model"),
        ("guards", guards.position, MADE_AGAIN),
    ):
        if position > head.position:
            what = f"{table} has come to position {position}, the log ends at {head.position}"
            remedy = f"The log lost its end, or is a backup: restore the newer one, or {mended}."
            report.add(Finding("read models", "differs", what, remedy, position=position))
    of_checkpoint = 0
    twaps = Twaps()
    others = _Others(mapper, attempts, report, reclaims, guards, twaps)
    events = track(snapshot.events(), head.position, "streams")
    for stream_id, group in groupby(events, key=attrgetter("stream_id")):
        stream = list(group)
        report.looked_at["events"] += len(stream)
        report.looked_at["streams"] += 1
        of_checkpoint += checkpoint is not None and min(event.position for event in stream) <= checkpoint.position
        sound = not report.add_all(verify_stream(stream))
        if stream[0].topic.startswith(_ORDER):
            report.looked_at["orders"] += 1
            told = _verify_order(stream_id, stream, sound, mapper, rows, attempts, reclaims, guards, report)
            twaps.meet_order(stream_id, told)
        else:
            others.verify(stream)
    others.tell_contradictions()
    verify_shared_guards(attempts, report)
    report.add_all(twaps.differences({one.order_id for one in attempts.foreign.values() if not one.failed}))
    report.add_all(rows.rest())
    report.add_all(guards.compare(attempts.of_closed_elsewhere()))
    report.looked_at["position"] = head.position
    report.looked_at["orders_v1 position"] = rows.position
    report.looked_at["guards position"] = guards.position
    if checkpoint and of_checkpoint != checkpoint.streams:
        what = f"{of_checkpoint} streams begin at or before the checkpoint, which counted {checkpoint.streams}"
        report.add(Finding("log", "differs", what, RESTORE, position=checkpoint.position))


def _verify_order(
    order_id: UUID,
    stream: Sequence[RecordedEvent],
    sound: bool,
    mapper: EventMapper,
    rows: OrdersRows,
    attempts: Attempts,
    reclaims: RecordedReclaims,
    guards: GuardRows,
    report: Report,
) -> list[OrderEvent]:
    """The order's events, as far as they can be read."""
    until = rows.until(order_id)
    state: OrderState | None = None
    in_row: OrderState | None = None
    fault: Finding | None = None
    told: list[tuple[int, OrderEvent]] = []
    for recorded in stream:
        try:
            event = order_event(mapper, recorded)
        except UnreadableEventError as unreadable:
            fault = fault or (_unknown(recorded) if unreadable.unknown else _damaged(recorded, unreadable))
            guards.take(recorded, None)
            continue
        guards.take(recorded, event)
        told.append((recorded.version, event))
        if fault is None:
            try:
                state = advance(state, recorded, event)
            except UnreadableEventError as unreadable:
                fault = _damaged(recorded, unreadable)
        if recorded.position <= until:
            in_row = state
    found = attempts_of(order_id, told)
    attempts.exclude(order_id, next((event.leg for _, event in told if isinstance(event, OrderSubmitted)), None))
    if found and any(isinstance(event, OrderSubmitted) and event.paper for _, event in told):
        what = "an order on paper has a signed transaction"
        report.add(Finding("streams", "differs", what, RECONCILE, order_id, found[0].version))
    reclaims.record_guards(found)
    for claimed in attempts.record(found):
        what = f"attempt {claimed.number} has {claimed.signature}, the transaction of another attempt"
        report.add(Finding("streams", "differs", what, RECONCILE, order_id, claimed.version))
    if fault is not None:
        attempts.unreadable(order_id)
        if sound or fault.verdict == "unchecked":
            report.add(fault)
    # Its row holds what was folded before the fault, if that is where it became a dead letter.
    if sound and (fault is None or (fault.position or 0) > until):
        report.add_all(rows.meet(order_id, in_row, stream[0].position))
    else:
        report.add_all(rows.skip(order_id))
        what = "orders_v1: its row was not compared, its own events differ"
        report.add(Finding("read models", "unchecked", what, f"{REBUILD}, once they are not.", order_id))
    return [event for _, event in told]


class _Others:
    """The accounts' streams. A contradiction is a difference the engine itself has found; an operator who resumes
    trading after it has looked, and the chain's own check still compares.
    """

    def __init__(
        self,
        mapper: EventMapper,
        attempts: Attempts,
        report: Report,
        reclaims: RecordedReclaims,
        guards: GuardRows,
        twaps: Twaps,
    ) -> None:
        self._reclaims = reclaims
        self._guards = guards
        self._twaps = twaps
        self._mapper = mapper
        self._attempts = attempts
        self._report = report
        self._contradictions: list[RecordedEvent] = []
        self._put_back: list[RecordedEvent] = []
        self._resumed: dict[UUID, int] = {}

    def verify(self, stream: Sequence[RecordedEvent]) -> None:
        read: list[AccountEvent] = []
        for recorded in stream:
            if recorded.topic == ContradictionFound.TOPIC:
                self._contradictions.append(recorded)
            if recorded.topic == LogFoundBehind.TOPIC:
                self._put_back.append(recorded)
            try:
                event = self._mapper.load(recorded.topic, recorded.state)
            except UnknownTopicError:
                if recorded.topic != ContradictionFound.TOPIC:
                    self._report.add(_unknown(recorded))
            except (ValueError, TypeError, KeyError) as fault:
                self._report.add(_damaged(recorded, UnreadableEventError(recorded, fault)))
            else:
                self._guards.take(recorded, event)
                if isinstance(event, AccountEvent):
                    read.append(event)
                if isinstance(event, ForeignTransactionFound):
                    self._attempts.foreign[event.signature] = event
                if isinstance(event, ForeignReclaimFound):
                    self._reclaims.record(foreign_reclaim(event, recorded.version), event.guards)
                    self._attempts.closed_elsewhere(event.guards)
                if isinstance(event, TradingResumed):
                    account_id = recorded.account_id
                    self._resumed[account_id] = max(self._resumed.get(account_id, 0), recorded.position)

        self._report.behind |= unrecovered(read) is not None
        if len(read) == len(stream):
            self._verify_whole(stream, read)

    def _verify_whole(self, stream: Sequence[RecordedEvent], events: Sequence[AccountEvent]) -> None:
        if is_directory_topic(stream[0].topic) and (broken := directory_fault(stream[0].stream_id, events)):
            self._report.add(_finding(stream[-1], f"it does not fold: {broken}", RESTORE))
        if stream[0].topic == ReclaimBuilt.TOPIC:
            self._verify_reclaim(stream, events)
        if stream[0].topic in TWAP_TOPICS and (broken := self._twaps.meet_list(stream[0].stream_id, events)):
            self._report.add(_finding(stream[-1], f"it does not fold: {broken}", RESTORE))

    def _verify_reclaim(self, stream: Sequence[RecordedEvent], events: Sequence[AccountEvent]) -> None:
        try:
            self._reclaims.record(*recorded_reclaim(stream[0].stream_id, events))
        except ValueError as fault:
            self._report.add(_damaged(stream[-1], UnreadableEventError(stream[-1], fault)))

    def tell_contradictions(self) -> None:
        """Once every stream was seen: which is met first is chance."""
        for recorded in self._put_back:
            if self._resumed.get(recorded.account_id, 0) < recorded.position:
                what = "the log was put back to an earlier moment, and waits for an operator"
                self._report.add(_finding(recorded, what, RECOVER))
        for recorded in self._contradictions:
            resumed = self._resumed.get(recorded.account_id, 0)
            if resumed > recorded.position:
                what = f"the chain contradicted the log; an operator resumed trading at position {resumed}"
                self._report.add(_finding(recorded, what, "Nothing more: the reason is in the log.", "acknowledged"))
                continue
            what = "the engine found that the chain contradicts the log, and halted the account"
            self._report.add(_finding(recorded, what, "Read the event; reconcile the order by hand, then resume."))


def _damaged(recorded: RecordedEvent, fault: UnreadableEventError) -> Finding:
    return _finding(recorded, f"it does not fold: {fault}", RESTORE)


def _unknown(recorded: RecordedEvent) -> Finding:
    what = f"an event this version cannot read: {recorded.topic}"
    remedy = "Verify with the version that wrote it, or a later one."
    return Finding("streams", "unchecked", what, remedy, recorded.stream_id, recorded.version, recorded.position)


def _finding(recorded: RecordedEvent, what: str, remedy: str, verdict: Verdict = "differs") -> Finding:
    return Finding("streams", verdict, what, remedy, recorded.stream_id, recorded.version, recorded.position)
