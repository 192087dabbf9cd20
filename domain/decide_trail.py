"""When a price moves a trailing stop, or reaches it."""

from __future__ import annotations

from domain import commands as c
from domain import events as e
from domain.order import Order
from domain.trailing import is_better, trail_met
from domain.triggers import TRIGGERED_FOR


def observe_trail(order: Order, command: c.ObservePrice, trail_bps: int) -> list[e.OrderEvent]:
    """The best touch, where it is better than the one recorded; and the trigger, where the price is back from it by the
    trail. Both in one append: what triggers an order is in the log.
    """
    seen, best, decided = command.best or command.observation, order.best_touch, list[e.OrderEvent]()
    if best is None or is_better(order.side, seen.touch, best):
        best = seen.touch
        decided.append(e.TrailMoved(observation=seen))
    if trail_met(order.side, command.observation.touch, best, trail_bps):
        deadline = command.now + TRIGGERED_FOR
        decided += [
            e.StopTriggered(observation=command.observation),
            e.OrderTriggered(reason="stop", observation=command.observation, deadline=deadline),
        ]
    return decided
