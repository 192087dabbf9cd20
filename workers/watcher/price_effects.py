"""What a price means for an order that it meets: it is set off, its best touch alone is recorded, or it is held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from commands.loaded_order import LoadedOrder
from domain.commands import ObservePrice
from domain.events import Observation
from domain.trading_state import AccountTrading
from workers.watcher.waiting_order import WaitingOrder


@dataclass(frozen=True, slots=True)
class Met:
    """``triggers``: the price sets the order off, ``at_size`` by its quote at size. ``records``: its best touch is to
    be in the log, whether it is set off or not.
    """

    order: WaitingOrder
    at_size: bool = False
    triggers: bool = True
    records: bool = False

    def command(self, seen: Observation, best: Observation | None, now: datetime, *, held: bool) -> ObservePrice | None:
        """What to decide on, None where nothing is: ``seen`` is the present touch, ``best`` the one the log has not."""
        if self.triggers and not held:
            return ObservePrice(seen, self.at_size, now, best)
        return best_alone(best, now) if self.records and best else None


def best_alone(best: Observation, now: datetime) -> ObservePrice:
    """Records a best touch: as the present one it triggers nothing, also while nothing may be triggered."""
    return ObservePrice(best, met_at_size=False, now=now)


def is_held(
    history: LoadedOrder, accounts: frozenset[UUID], trading: Mapping[UUID, AccountTrading], *, paper: bool
) -> bool:
    """Whether a price triggers nothing of the order: it is of one of ``accounts``, or nothing would be signed for it.

    A stop that is triggered while nothing is signed would wait past its deadline, and be spent by that. What may rest
    is triggered and waits.
    """
    order = history.order
    if order is None or history.account_id in accounts:
        return True
    return (paper and not order.paper) or (not order.may_rest and trading[history.account_id].forbids(order.side))
