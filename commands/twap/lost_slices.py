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
        for list_id in set((await lists_of(self._log, self._mapper, order_ids, account_id)).values()):
            await self._schedule.add(list_id, account_id, now)


async def lists_of(
    log: Log, mapper: EventMapper, order_ids: Collection[UUID], account_id: UUID | None = None
) -> dict[UUID, UUID]:
    """The list of each of the orders that is a slice of one in the log; of the account's alone where one is given."""
    found = dict[UUID, UUID]()
    if not order_ids:
        return found
    asked = set(order_ids)
    for recorded in await log.of_accounts([TwapSubmitted.TOPIC]):
        if account_id not in (None, recorded.account_id):
            continue
        try:
            submitted = mapper.load(recorded.topic, recorded.state)
        except UNREADABLE:
            continue  # Nobody of this version knows its slices; whoever reads the list says so.
        if isinstance(submitted, TwapSubmitted):
            slices = slice_ids(recorded.stream_id, submitted.slices)
            found |= dict.fromkeys(asked.intersection(slices), recorded.stream_id)
    return found
