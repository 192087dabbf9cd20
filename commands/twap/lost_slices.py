"""Lists are looked at once more where the chain shows slices of theirs that the log has lost: also those that are over,
which the schedule has let go of.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from commands.twap.schedule import TwapSchedule
from domain.twap_events import TwapSubmitted
from domain.twap_schedule import slice_ids
from event_store.mapper import UNREADABLE, EventMapper
from event_store.read.log import Log


class LostSlices:
    def __init__(self, log: Log, mapper: EventMapper, schedule: TwapSchedule) -> None:
        self._log = log
        self._mapper = mapper
        self._schedule = schedule

    async def look_at(self, account_id: UUID, order_ids: Collection[UUID], now: datetime) -> None:
        """Have the account's lists looked at that the orders, executed and not in the log, are slices of.

        To be called before it is recorded that they were executed: what dies in between is asked for again. A list that
        isn't in the log gets its row by its post.
        """
        if not order_ids:
            return
        for recorded in await self._log.of_accounts([TwapSubmitted.TOPIC]):
            if recorded.account_id != account_id:
                continue
            try:
                submitted = self._mapper.load(recorded.topic, recorded.state)
            except UNREADABLE:
                continue  # Nobody of this version knows its slices; whoever reads the list says so.
            if isinstance(submitted, TwapSubmitted):
                slices = slice_ids(recorded.stream_id, submitted.slices)
                if not set(slices).isdisjoint(order_ids):
                    await self._schedule.add(recorded.stream_id, account_id, now)
