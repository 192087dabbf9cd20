"""The bounds of a market order whose first quote was none to rely on: others can fill it only by bounds of their own.

Its venue proposed what was refused for it: then they are wider by as much as such a quote may stand out from all others
and still be taken. Or its venue's swaps gave less than its quotes, twice, by more than a price moves meanwhile:
a quote above what can be had comes again. Then they are what they had been without that venue, from the first quote of
others, as the price may truly have moved since; and no wider than above. It is done once an order, so that nobody walks
them, and never after anything was signed with the first ones.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from domain import events as e
from domain.codes import Code
from domain.exact_out import maximum_in
from domain.numbers import U64_MAX, less_slippage, plus_slippage
from domain.order import Order
from domain.quotes import Quote
from domain.routing import MOST_ABOVE_BPS, best, minimum_out

MOVES_BPS = 25
"""With less between a quote and its order's bound a swap fails by any step of the price: no word against it.
The best of others may be far worse than an honest venue that can't keep so narrow a bound.
"""


def may_be_widened(order: Order) -> bool:
    """An order with a limit is bound by that, and by no quote."""
    return order.limit_price is None and not order.misquoted and not order.attempts


def widened(order: Order) -> tuple[int | None, int | None]:
    """What ``first_minimum_out`` and ``first_maximum_in`` become."""
    minimum, maximum = order.first_minimum_out, order.first_maximum_in
    return (
        None if minimum is None else less_slippage(minimum, MOST_ABOVE_BPS),
        None if maximum is None else min(plus_slippage(maximum, MOST_ABOVE_BPS), U64_MAX),
    )


def is_shown_false(order: Order, code: str, *, simulated: bool) -> bool:
    """Whether a quote is shown to be false: its swap was ``simulated`` and gave less, by ``MOVES_BPS`` or more, one
    before it gave less, too, and nothing was signed. What a venue itself says that it gives now is no false quote.
    """
    route = order.route
    if not simulated or route is None or order.attempts or not code == Code.SLIPPAGE_EXCEEDED == order.obstacle:
        return False
    if route.maximum_in is not None:
        return route.maximum_in >= plus_slippage(route.chosen.amount_in, MOVES_BPS)
    return route.minimum_out <= less_slippage(route.chosen.amount_out, MOVES_BPS)


def were_taken_twice(events: Iterable[e.OrderEvent], venues: Collection[str]) -> bool:
    """Whether the order's last two routes were both by ``venues``."""
    chosen = [event.chosen.venue for event in events if isinstance(event, e.OrderRouted)]
    return len(chosen) > 1 and all(venue in venues for venue in chosen[-2:])


def others_at_first(events: Iterable[e.OrderEvent], venues: Collection[str]) -> tuple[Quote, ...]:
    """The quotes of others than ``venues`` in the order's first route that has any."""
    routes = (event for event in events if isinstance(event, e.OrderRouted))
    each = (tuple(quote for quote in route.quotes if quote.venue not in venues) for route in routes)
    return next((quotes for quotes in each if quotes), ())


def without_the_venue(order: Order, others: Iterable[Quote]) -> tuple[int | None, int | None]:
    """What ``first_minimum_out``, or of an order to an exact amount out ``first_maximum_in``, becomes where it counts
    from the best of ``others``; None of what stays.
    """
    found = best(tuple(others))
    if found is None or not may_be_widened(order):
        return None, None
    least, most = widened(order)
    if order.amount_out is not None:
        maximum = min(maximum_in(found, order.slippage_bps, None), most or 0)
        return None, maximum if maximum > (order.first_maximum_in or 0) else None
    minimum = max(minimum_out(found, order.slippage_bps, None), least or 0)
    return minimum if minimum < (order.first_minimum_out or 0) else None, None
