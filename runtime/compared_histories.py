"""Of which accounts the wallet's history was compared with the log since this process began, in whichever process."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from chains.single_flight import SingleFlight
from commands.ids import DEFAULT_ACCOUNT
from runtime.composition import Store
from workers.history.table import HistoryTable, begun_of_all

LOOK_EVERY_S = 0.1


@dataclass(slots=True)
class ComparedHistories:
    """``begun`` has the newest comparison of each account that had begun when this was made: one that began later
    counts. Where none has come yet, one is asked for.
    """

    store: Store
    head: int
    begun: Mapping[UUID, int]
    _known: set[UUID] = field(default_factory=set)
    _looked: dict[UUID, float] = field(default_factory=dict)
    _flight: SingleFlight[UUID, bool] = field(default_factory=SingleFlight)

    @classmethod
    async def since_now(cls, store: Store) -> ComparedHistories:
        return cls(store, await store.events.head(), await begun_of_all(store.pool))

    async def of(self, account_id: UUID) -> bool:
        if account_id in self._known:
            return True
        # Thousands of orders may be waiting for it: they share one look.
        if time.monotonic() - self._looked.get(account_id, -math.inf) < LOOK_EVERY_S:
            return False
        return await self._flight.run(account_id, partial(self._look, account_id))

    async def _look(self, account_id: UUID) -> bool:
        if account_id != DEFAULT_ACCOUNT:
            await self.store.known_accounts.load()
            account = self.store.known_accounts.account(account_id)
            if account is not None and account.wallet is None:
                return True  # Nothing of it was ever signed, as far as the log goes.
        numbers = await HistoryTable(self.store.pool, account_id).numbers()
        if numbers.completed > self.begun.get(account_id, 0):
            self._known.add(account_id)
            return True
        self._looked[account_id] = time.monotonic()
        self.store.notifier.remind("history")
        return False
