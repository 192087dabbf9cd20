"""Whether the table of guards says what the log does: which orders' guards lock rent, and whose rent has come back.

What stands in a guard's way, until when, and in how large a reclaim it may be are the reclaimer's own notes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any
from uuid import UUID

from domain.events import is_order_event
from domain.reclaim import ENDS, may_have_guard, rent_in_guard
from domain.reclaim_events import ReclaimBuilt, ReclaimExpired, ReclaimFailed, ReclaimLanded
from event_store.hash_chain.verification import Finding
from event_store.processors import positions
from event_store.read.snapshot import Snapshot
from event_store.statements import statement
from event_store.types import RecordedEvent

MADE_AGAIN = "stop the engine, empty guards and take the position of reclaim away: both are made again from the log"
REMEDY = f"{MADE_AGAIN.capitalize()}."

# The processor that writes the table; its room may not be imported from here.
_PROCESSOR = "reclaim"
_SCHEMA = (Path(__file__).parent / "guards.sql").read_text()
_NEVER = datetime.min.replace(tzinfo=UTC)
_ROWS = statement(__file__, "guard_rows")


@dataclass(slots=True)
class _Row:
    """``known``: the log says how much lies in the guard, so that its order has a row whatever the chain shows."""

    account_id: str = ""
    since: datetime = _NEVER
    lamports: int | None = None
    reclaim: str | None = None
    returned: bool = False

    @property
    def known(self) -> bool:
        return self.lamports is not None or self.reclaim is not None


class GuardRows:
    """The rows of a snapshot, and what the log's events make of them; ``position`` is how far the table follows."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.position = positions.load_from(snapshot, _PROCESSOR)
        self._snapshot = snapshot
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript(_SCHEMA)
        self._db.execute("begin")

    def close(self) -> None:
        self._db.close()

    def take(self, recorded: RecordedEvent, event: object) -> None:
        """An event of an order or a reclaim; ``event`` is None where it can't be read."""
        if recorded.position > self.position:
            return
        if recorded.topic in ENDS:
            if event is None or (is_order_event(event) and may_have_guard(event)):
                lamports = rent_in_guard(event) if is_order_event(event) else None
                self._step(recorded, recorded.stream_id, lamports, None)
        elif isinstance(event, ReclaimBuilt):
            for guard in event.guards:
                # Orders of a list share one: its rent comes back once.
                for place, order_id in enumerate(guard.order_ids):
                    self._step(recorded, order_id, None if place else guard.lamports, recorded.stream_id)
        elif isinstance(event, ReclaimLanded | ReclaimFailed | ReclaimExpired):
            ending = (str(recorded.stream_id), isinstance(event, ReclaimLanded))
            self._db.execute("insert or ignore into ending values (?, ?)", ending)

    def compare(self, closed_elsewhere: Collection[UUID]) -> Iterator[Finding]:
        """What the rows have other than the log, once all of it was taken; both in ascending order of their ids. Of
        orders whose guards were closed elsewhere the reclaimer keeps none.
        """
        wanted, rows = self._wanted(), self._snapshot.rows(_ROWS)
        want, row = next(wanted, None), next(rows, None)
        while want is not None or row is not None:
            if want is None or (row is not None and str(row[0]) < want[0]):
                assert row is not None  # noqa: S101 - one of the two is there
                yield _differs(row[0], "has a row that the log does not account for")
                row = next(rows, None)
            elif row is None or want[0] < str(row[0]):
                if want[1].known and UUID(want[0]) not in closed_elsewhere:
                    yield _differs(UUID(want[0]), "has no row")
                want = next(wanted, None)
            else:
                if differing := _differing(want[1], row):
                    yield _differs(row[0], f"its row differs from the log in {', '.join(differing)}")
                want, row = next(wanted, None), next(rows, None)

    def _step(self, recorded: RecordedEvent, order_id: UUID, lamports: int | None, reclaim: UUID | None) -> None:
        # A u64 is more than SQLite's integers hold: amounts are text.
        values = (
            str(order_id),
            recorded.position,
            str(recorded.account_id),
            recorded.recorded_at.isoformat(),
            None if lamports is None else str(lamports),
            reclaim and str(reclaim),
        )
        self._db.execute("insert into step values (?, ?, ?, ?, ?, ?)", values)

    def _wanted(self) -> Iterator[tuple[str, _Row]]:
        query = (
            "select order_id, account_id, at, lamports, step.reclaim, landed from step"
            " left join ending on ending.reclaim = step.reclaim order by order_id, position"
        )
        for order_id, steps in groupby(self._db.execute(query), key=itemgetter(0)):
            row = _Row()
            for _, account_id, at, lamports, reclaim, landed in steps:
                row.account_id = row.account_id or account_id
                row.lamports = row.lamports if lamports is None else int(lamports)
                if reclaim is None:
                    row.since = max(row.since, datetime.fromisoformat(at))
                elif not row.returned:
                    # One that failed or expired closed nothing, and has let go of its guards.
                    row.reclaim = None if landed == 0 else reclaim
                    row.returned = landed == 1
            yield order_id, row


def _differing(want: _Row, row: tuple[Any, ...]) -> list[str]:
    _, account_id, since, lamports, reclaim, returned = row
    differs = {
        "account_id": str(account_id) != want.account_id,
        # An order's last event may be later than its end.
        "since": since < want.since,
        "lamports": lamports != want.lamports,
        "reclaim": (reclaim and str(reclaim)) != want.reclaim,
        "returned": returned != want.returned,
    }
    return [name for name, is_other in differs.items() if is_other]


def _differs(order_id: UUID, what: str) -> Finding:
    return Finding("read models", "differs", f"guards: {what}", REMEDY, order_id)
