"""The figures of landers, in a process that hands bytes over."""

from __future__ import annotations

from runtime.roles.parts import Parts
from workers.lander_outcomes import LanderOutcomes


async def run(parts: Parts) -> None:
    store = parts.store
    await LanderOutcomes(store.feed, store.mapper, parts.market.chain.landers.shares).run()
