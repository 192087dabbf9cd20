"""From what a client asks for to the terms of the domain: the default says what the client left open."""

from __future__ import annotations

from api.config import ApiConfig
from api.orders.request import OrderRequest
from domain.terms import OrderTerms


def terms(request: OrderRequest, config: ApiConfig) -> OrderTerms:
    """The terms as they are recorded."""
    slippage = request.slippage if request.slippage_bps is None else request.slippage_bps
    return OrderTerms(
        type=request.type,
        token_in=request.token_in,
        token_out=request.token_out,
        amount_in=request.amount_in or 0,
        amount_out=request.amount_out,
        slippage_bps=config.default_slippage_bps if slippage is None else slippage,
        slippage_defaulted=slippage is None,
        limit_price=request.limit_price,
        stop_price=request.stop_price,
        client_order_id=request.client_order_id,
        trail_bps=request.trail_bps,
        time_in_force=request.time_in_force,
        expires_at=request.expires_at,
    )
