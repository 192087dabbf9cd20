"""What the API is told by whoever composes it; it reads no setting itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from chains.tips import Tip
from domain.tokens import TokenList


@dataclass(frozen=True, slots=True)
class ApiConfig:
    """``rpc_url`` is shown to clients: it carries no key. Waits are in seconds.

    ``requires_client_order_id``: where answers may be lost on their way, an order must be safe to repeat. ``paper``:
    new orders are filled at their quotes, and nothing is sent. ``tips`` are what landers ask of each swap.
    ``previews_per_minute`` of an account, where remote venues are asked; None is no limit.
    """

    rpc_url: str
    tokens: TokenList
    default_slippage_bps: int = 50
    order_deadline: timedelta = timedelta(seconds=120)
    position_patience: float = 5.0
    requires_client_order_id: bool = False
    paper: bool = False
    tips: tuple[Tip, ...] = ()
    previews_per_minute: int | None = None
