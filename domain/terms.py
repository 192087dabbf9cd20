"""An order's terms: what the client asked for, the same in the command, in the event and in the order's state."""

from __future__ import annotations

import operator
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from domain.numbers import U64_MAX, BaseUnits, Price, ratio
from domain.quotes import Recorded
from domain.tokens import Pair, Side, Token, pair_of
from domain.triggers import limit_maximum, limit_minimum

OrderType = Literal["market", "limit", "stop", "stop-limit", "trailing-stop"]
TimeInForce = Literal["gtc", "ioc", "fok", "gtd"]

AmountIn = Annotated[BaseUnits, Field(exclude_if=operator.not_)]
AmountOut = Annotated[BaseUnits | None, Field(exclude_if=lambda amount: amount is None)]
ExpiresAt = Annotated[datetime | None, Field(exclude_if=lambda at: at is None)]


class OrderTerms(Recorded):
    """``slippage_bps`` is what applies; ``slippage_defaulted`` says that the client named none.

    An order names what it gives, ``amount_in``, or what it gets, ``amount_out``: the other one is 0, or None.

    A limit order has a ``limit_price``, a stop order a ``stop_price``, a stop-limit order both, a trailing stop
    ``trail_bps``. An order that is good till a date has ``expires_at``. What is newer than these prices is absent from
    the JSON of an order that doesn't have it, as it is in the logs of versions that didn't know it.
    """

    type: OrderType
    token_in: Token
    token_out: Token
    amount_in: AmountIn = 0
    slippage_bps: int
    slippage_defaulted: bool
    limit_price: Price | None = None
    stop_price: Price | None = None
    client_order_id: str | None = None
    time_in_force: Annotated[TimeInForce, Field(exclude_if=lambda in_force: in_force == "gtc")] = "gtc"
    trail_bps: Annotated[int | None, Field(exclude_if=lambda bps: bps is None)] = None
    expires_at: ExpiresAt = None
    amount_out: AmountOut = None

    @property
    def is_immediate(self) -> bool:
        """Whether it is tried once it can be, and cancelled where it can't be filled then. A swap fills whole or not at
        all, so an `ioc` is a `fok`.
        """
        return self.time_in_force in ("ioc", "fok")

    @property
    def starts_at_once(self) -> bool:
        """Whether it is executed from its submission on, without waiting for a price."""
        return self.type == "market" or (self.type == "limit" and self.is_immediate)

    @property
    def may_rest(self) -> bool:
        """Whether it waits for its price again where it could not be executed."""
        return self.type in ("limit", "stop-limit") and not self.is_immediate

    @property
    def pair(self) -> Pair:
        return pair_of(self.token_in, self.token_out)

    @property
    def side(self) -> Side:
        return self.pair.side(self.token_in)

    @property
    def limit_minimum_out(self) -> int | None:
        """The least base units out within the limit; None where the terms have no limit."""
        if self.limit_price is None:
            return None
        if self.amount_out is not None:
            return self.amount_out
        return limit_minimum(self.side, self.amount_in, self.token_in, self.token_out, self.limit_price)

    @property
    def limit_maximum_in(self) -> int | None:
        """The most base units in within the limit, where an amount out is named; None where the terms have no limit.

        Earlier versions took limits at which it is more than the chain can count: no swap can pay that.
        """
        if self.limit_price is None or self.amount_out is None:
            return None
        most = limit_maximum(self.side, self.amount_out, self.token_in, self.token_out, self.limit_price)
        return min(most, U64_MAX)

    def price_of(self, amount_in: int, amount_out: int) -> Decimal:
        """Quote per base where the order swaps these base units."""
        sold, bought = (amount_in, self.token_in.decimals), (amount_out, self.token_out.decimals)
        return ratio(*bought, *sold) if self.side == "sell" else ratio(*sold, *bought)

    def same_as(self, other: OrderTerms) -> bool:
        """Whether a client who repeats an order repeats its terms.

        A slippage that the client named neither time is the same: the default may have changed in between.
        """
        slippage = self.slippage_bps == other.slippage_bps or (self.slippage_defaulted and other.slippage_defaulted)
        return slippage and all(getattr(self, name) == getattr(other, name) for name in _COMPARED)


_COMPARED = OrderTerms.model_fields.keys() - {"slippage_bps", "slippage_defaulted"}
