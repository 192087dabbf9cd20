"""The storm's verdict on rents: a guard that was closed before its order's time was over is named."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from domain import events as e
from domain.reclaim_events import GuardToClose
from tests.chaos.storm.outside import ClosedGuards, Recorded
from tests.chaos.storm.verdict import closed_early
from tests.unit.domain.scenario import NOW
from tests.unit.domain.test_reclaim import CONFIRMED, SENT

KEEP = timedelta(seconds=40)
ORDER = UUID(int=1)


def history(*events: e.OrderEvent, last_at: datetime = NOW) -> dict[UUID, list[Recorded]]:
    *before, last = events
    told = [Recorded(version, NOW, event) for version, event in enumerate(before, 1)]
    return {ORDER: [*told, Recorded(len(events), last_at, last)]}


def closed(at: datetime, order_id: UUID = ORDER) -> list[ClosedGuards]:
    return [ClosedGuards(at, (GuardToClose(guard="guard", order_ids=(order_id,), lamports=1),), "signature", "AAAA")]


def test_a_guard_that_is_closed_in_time_is_well() -> None:
    assert closed_early(history(*CONFIRMED), closed(NOW + KEEP), KEEP) == []


def test_one_that_is_closed_a_moment_early_is_named() -> None:
    [said] = closed_early(history(*CONFIRMED), closed(NOW + KEEP - timedelta(seconds=1)), KEEP)
    assert said == f"{ORDER}: its guard was closed 39.0 s after its last event"


def test_one_of_an_order_that_had_not_ended_is_named() -> None:
    open_order = closed_early(history(*SENT), closed(NOW + KEEP), KEEP)
    ended_since = closed_early(history(*CONFIRMED, last_at=NOW + 2 * KEEP), closed(NOW + KEEP), KEEP)
    nobodys = closed_early(history(*CONFIRMED), closed(NOW + KEEP, UUID(int=2)), KEEP)
    for said in (open_order, ended_since, nobodys):
        assert len(said) == 1
        assert said[0].endswith("its guard was closed before it had ended")
