"""The projector's process."""

from __future__ import annotations

from projections.orders import PROCESSOR
from projections.projector import OrdersProjector
from runtime.composition import lease_of, open_store
from runtime.settings import Settings


async def run(settings: Settings) -> None:
    async with open_store(settings, "projector") as store, lease_of(store, PROCESSOR).hold() as lease:
        await OrdersProjector(store.pool, store.events, store.notifier, store.mapper).run(lease)
