"""When a price sets an order off: stops latch, limits trigger by level, a rested order is armed again first."""

from __future__ import annotations

from domain import commands as c
from domain import events as e
from domain.decide_trail import observe_trail
from domain.errors import NotApplicableError
from domain.order import Order
from domain.time_in_force import is_expired
from domain.triggers import TRIGGERED_FOR, clearly_better, is_rest_over, limit_met, stop_met


def observe_price(order: Order, command: c.ObservePrice) -> list[e.OrderEvent]:
    """The price may reach the stop, meet the limit, or both at once."""
    if not order.waits_for_price:
        raise NotApplicableError("The order does not wait for a price.")
    if is_expired(order, command.now):
        raise NotApplicableError("The order has expired.")
    if order.trail_bps is not None:
        return observe_trail(order, command, order.trail_bps)
    observation, decided = command.observation, list[e.OrderEvent]()
    if order.stop_price is not None and not order.stop_reached:
        if not stop_met(order.side, observation.touch, order.stop_price):
            return []
        decided.append(e.StopTriggered(observation=observation))
    deadline = command.now + TRIGGERED_FOR
    if order.limit_price is None:
        return [*decided, e.OrderTriggered(reason="stop", observation=observation, deadline=deadline)]
    if order.is_immediate:
        # Its one try is now, whether the touch meets the limit or not: the quotes at its size decide.
        return [*decided, e.OrderTriggered(reason="immediate", observation=observation, deadline=deadline)]
    met = limit_met(order.side, observation.touch, order.limit_price)
    if met and _armed(order, command):
        decided.append(e.OrderTriggered(reason="limit", observation=observation, deadline=deadline))
    return decided


def _armed(order: Order, command: c.ObservePrice) -> bool:
    """An order that rests again needs a better price or its time: a still price makes no loop."""
    if order.rest is None:
        return True
    if order.rest.armed_at is not None:
        return is_rest_over(order.rest.armed_at, command.now)
    return command.met_at_size or clearly_better(order.side, command.observation.touch, order.rest.touch)
