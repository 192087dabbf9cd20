"""Visits each order with the wallet of its account: each account has a visit of its own, with no other wallet."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from commands.loaded_order import LoadedOrder
from commands.orders import OrderRepository
from commands.trading import TradingStates
from domain.codes import Code
from domain.commands import GiveUp
from workers.execution.visit import Visit


class AccountVisits:
    """``visit`` is that of ``account_id``, the first account; ``add`` makes others known, each once the history of its
    wallet was compared with the log.
    """

    def __init__(self, account_id: UUID, visit: Visit) -> None:
        self._visits = {account_id: visit}
        self._first = visit

    def add(self, account_id: UUID, visit: Visit) -> None:
        self._visits[account_id] = visit

    @property
    def orders(self) -> OrderRepository:
        return self._first.orders

    @property
    def trading(self) -> TradingStates:
        return self._first.trading

    def clock(self) -> datetime:
        return self._first.clock()

    def give_up(self, code: Code) -> GiveUp:
        return self._first.give_up(code)

    async def run(self, loaded: LoadedOrder) -> LoadedOrder:
        """As ``Visit.run``. The orders of an account that isn't known here wait: none is signed for, and none ends, as
        the chain may show of its wallet what this log has lost.
        """
        visit = self._visits.get(loaded.account_id)
        return await visit.run(loaded) if visit else loaded
