"""An engine whose orders are executed through a service's stub."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tests.integration.workers.harness import EngineHarness
from workers.execution.executor import Executor


@dataclass
class RemoteSetting:
    engine: EngineHarness
    executor: Executor

    async def executed(self, **terms: Any) -> UUID:
        order_id = await self.engine.submit(**terms)
        await self.engine.execute(order_id, executor=self.executor)
        return order_id

    async def recorded(self, order_id: UUID, kind: type) -> list[Any]:
        return [event for event in (await self.engine.history(order_id)).events if isinstance(event, kind)]
