"""Visits each order with the wallet of its account: each account has a visit of its own, with no other wallet."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from commands.loaded_order import LoadedOrder
from commands.orders import OrderRepository
from domain.codes import Code
from domain.commands import GiveUp
from workers.execution.visit import Visit


class AccountVisits:
    """``visit`` is that of ``account_id``, the first account; ``add`` makes others known."""

    def __init__(self, account_id: UUID, visit: Visit) -> None:
        self._visits = {account_id: visit}
        self._first = visit
        # What was sent may be sent again, and an order may end: for that no wallet is needed.
        self._signs_nothing = replace(visit, may_sign=lambda: False)

    def add(self, account_id: UUID, visit: Visit) -> None:
        self._visits[account_id] = visit

    @property
    def orders(self) -> OrderRepository:
        return self._first.orders

    def clock(self) -> datetime:
        return self._first.clock()

    def give_up(self, code: Code) -> GiveUp:
        return self._first.give_up(code)

    async def run(self, loaded: LoadedOrder) -> LoadedOrder:
        """As ``Visit.run``. Of an account whose wallet isn't known here nothing is signed."""
        return await self._visits.get(loaded.account_id, self._signs_nothing).run(loaded)
