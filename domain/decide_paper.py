"""Paper orders: routed by real quotes and filled at the one they take. None becomes real, whatever is set later."""

from __future__ import annotations

from domain import commands as c
from domain import events as e
from domain.decide_route import record_quotes
from domain.errors import DomainError
from domain.order import Order
from domain.quotes import Quote


def fill_on_paper(order: Order, command: c.FillOnPaper) -> list[e.OrderEvent]:
    """The route and its fill in one append; what a real order's quotes lead to where none of them is taken."""
    if not order.paper:
        raise DomainError("not_on_paper", "A real order is filled by the chain alone.")
    decided = record_quotes(order, command.quotes)
    routed = next((event for event in decided if isinstance(event, e.OrderRouted)), None)
    return [*decided, _filled(order, routed.chosen)] if routed else decided


def require_real(order: Order) -> None:
    """Refuse to sign for a paper order."""
    if order.paper:
        raise DomainError("paper_order", "The order is on paper: nothing is signed for it.")


def _filled(order: Order, quote: Quote) -> e.PaperFilled:
    return e.PaperFilled(
        venue=quote.venue,
        amount_in=quote.amount_in,
        amount_out=quote.amount_out,
        executed_price=order.price_of(quote.amount_in, quote.amount_out),
        venue_fee=quote.fee_amount,
        venue_fee_token=quote.fee_token,
    )
