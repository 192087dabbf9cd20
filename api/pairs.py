"""GET /api/pairs: what each pair costs now, where, how old that is, and what waits for another price."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Annotated

from litestar import Controller, get
from litestar.openapi.spec import Example
from litestar.params import PathParameter
from pydantic import Field

from api.callers.caller import Caller, InjectedCaller
from api.callers.rules import READ
from api.errors import ProblemError
from api.openapi import DocumentedOperation, problems
from api.orders.document import shown
from api.services import InjectedServices, Services
from domain.numbers import plain, to_units
from domain.tokens import Pair, Side, TokenList, pair_of
from projections.order_view import IfKnown, View
from projections.orders.resting_orders import Resting
from venues.prices import Depth, PairPrice

Named = Annotated[
    str,
    PathParameter(
        description="As `SOL-USDC`; symbols in any case.", examples=[Example(summary="SOL/USDC", value="SOL-USDC")]
    ),
]
_SYMBOL = "A token's symbol in any case, or its mint."
Base = Annotated[str, PathParameter(description=_SYMBOL, examples=[Example(summary="SOL", value="SOL")])]
Quote = Annotated[str, PathParameter(description=_SYMBOL, examples=[Example(summary="USDC", value="USDC")])]


class PairSide(View):
    """What a seller of the base gets or a buyer pays at the best venue, after its fee; and who waits for another price.

    The nearest limit and stop are those a moving price reaches first, absent where nobody waits for one.
    """

    touch: str = Field(examples=["149.7"])
    resting_orders: int
    nearest_limit: IfKnown[str] = None
    nearest_stop: IfKnown[str] = None


class VenueDepth(View):
    """One pool: its marginal prices after its fee, and what it holds, in token units."""

    venue: str = Field(examples=["Raydium"])
    fee_bps: int
    sell: str
    buy: str
    depth_base: str
    depth_quote: str


class PairView(View):
    """Prices are quote per base, as of ``slot``, which was ``ageSeconds`` ago."""

    pair: str = Field(examples=["SOL/USDC"])
    network: str = Field(examples=["localnet"])
    slot: int
    age_seconds: int
    sell: PairSide
    buy: PairSide
    venues: list[VenueDepth]


class PairList(View):
    items: list[PairView]
    next: str | None = Field(default=None, description="Always null: there is one page.")


class PairsController(Controller):
    path = "/api/pairs"
    tags = ("network",)
    opt = READ

    @get(
        operation_class=DocumentedOperation,
        operation_id="listPairs",
        summary="Every pair some venue trades",
        response_description="All of them, by one observation.",
        responses=problems("price_unavailable", "chain_unknown", "log_unavailable"),
    )
    async def list_pairs(self, services: InjectedServices, caller: InjectedCaller) -> PairList:
        tokens = services.config.tokens.tokens
        views = await _look(services, caller, [pair_of(one, other) for one, other in combinations(tokens, 2)])
        return PairList(items=sorted(views, key=lambda view: view.pair))

    @get(
        "/{pair:str}",
        operation_class=DocumentedOperation,
        operation_id="getPair",
        summary="One pair: touch, venues, resting orders",
        response_description="The pair as one observation saw it.",
        responses=problems(
            "bad_request", "unknown_pair", "no_venue", "price_unavailable", "chain_unknown", "log_unavailable"
        ),
    )
    async def get_pair(self, services: InjectedServices, caller: InjectedCaller, pair: Named) -> PairView:
        """`SOL/USDC` works as a path too: it is the next one."""
        base, _, quote = pair.partition("-")
        return await _look_at(services, caller, base, quote)

    @get(
        "/{base:str}/{quote:str}",
        operation_class=DocumentedOperation,
        operation_id="getPairByTokens",
        summary="One pair, by its two tokens",
        response_description="The pair as one observation saw it.",
        responses=problems(
            "bad_request", "unknown_pair", "no_venue", "price_unavailable", "chain_unknown", "log_unavailable"
        ),
    )
    async def get_pair_by_tokens(
        self, services: InjectedServices, caller: InjectedCaller, base: Base, quote: Quote
    ) -> PairView:
        return await _look_at(services, caller, base, quote)


async def _look(services: Services, caller: Caller, pairs: Sequence[Pair]) -> list[PairView]:
    """Those of ``pairs`` that some venue holds."""
    prices, age = await services.ticker.observe(pairs)
    network = services.chain().tradable_network()
    held = list(prices.pairs.values())
    resting = await services.resting.on(caller.account_id, [price.pair for price in held])
    return [
        _view(
            price,
            waiting,
            network=network,
            slot=prices.slot_of(price),
            age=await services.ticker.age(prices, price, age),
        )
        for price, waiting in zip(held, resting, strict=True)
    ]


async def _look_at(services: Services, caller: Caller, base: str, quote: str) -> PairView:
    pair = _pair(services.config.tokens, base, quote)
    found = await _look(services, caller, [pair])
    if not found:
        raise ProblemError(404, "no_venue", f"No venue trades {pair.symbol}.", field="pair")
    return found[0]


def _pair(tokens: TokenList, base: str, quote: str) -> Pair:
    one, other = tokens.find(base), tokens.find(quote)
    if one is None or other is None or one == other:
        name = shown(f"{base}/{quote}")
        raise ProblemError(
            404, "unknown_pair", f"There is no pair {name} here; GET /api/pairs lists them.", field="pair"
        )
    pair = pair_of(one, other)
    if pair.base != one:
        # Its price the other way round, under the name that was asked for, would be taken for what it isn't.
        raise ProblemError(404, "unknown_pair", f"That pair reads {pair.symbol} here.", field="pair")
    return pair


def _view(price: PairPrice, resting: dict[Side, Resting], *, network: str, slot: int, age: int) -> PairView:
    depths = sorted(price.depths, key=lambda depth: (depth.venue, depth.fee_bps))
    return PairView(
        pair=price.pair.symbol,
        network=network,
        slot=slot,
        age_seconds=age,
        sell=_side(price, resting, "sell"),
        buy=_side(price, resting, "buy"),
        venues=[_depth(price.pair, depth) for depth in depths],
    )


def _side(price: PairPrice, resting: dict[Side, Resting], side: Side) -> PairSide:
    waiting = resting[side]
    return PairSide(
        touch=plain(price.touch(side)),
        resting_orders=waiting.orders,
        nearest_limit=None if waiting.nearest_limit is None else plain(waiting.nearest_limit),
        nearest_stop=None if waiting.nearest_stop is None else plain(waiting.nearest_stop),
    )


def _depth(pair: Pair, depth: Depth) -> VenueDepth:
    decimals = pair.base.decimals - pair.quote.decimals
    return VenueDepth(
        venue=depth.venue,
        fee_bps=depth.fee_bps,
        sell=plain(depth.touch("sell", decimals)),
        buy=plain(depth.touch("buy", decimals)),
        depth_base=to_units(depth.base, pair.base.decimals),
        depth_quote=to_units(depth.quote, pair.quote.decimals),
    )
