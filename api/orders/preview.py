"""POST /api/orders/preview: what an order would meet now. Nothing is recorded, and nothing reserved."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import structlog
from litestar import Controller, Request, post
from pydantic import Field
from solders.hash import Hash
from solders.keypair import Keypair

from api.callers.caller import Caller, InjectedCaller
from api.callers.rules import READ
from api.openapi import problems
from api.orders.document import BODY_LIMIT, media_type, read
from api.orders.gate import would_be_refused
from api.orders.headers import with_idempotency_key
from api.orders.limits import limits_of, previewed_too_often
from api.orders.openapi import ExecuteOperation
from api.orders.request import order_request
from api.orders.submit import IdempotencyKey
from api.orders.terms import terms
from api.problems import ProblemDetails
from api.services import InjectedServices, Services
from chains.decoding import signed_size
from chains.errors import ChainUnavailableError
from chains.guard import GuardKey
from chains.tips import tip_transfers
from chains.transactions import FEE_LAMPORTS, MAX_COMPUTE_UNITS, compose
from domain.codes import Code
from domain.exact_out import maximum_in
from domain.numbers import to_units
from domain.quotes import Quote, Refusal
from domain.routing import best, minimum_out
from domain.terms import OrderTerms
from domain.tokens import Side, pair_of
from projections.order_view import IfKnown, VenueFee, View
from venues.exact_out import exact_out_refusals
from venues.permitted import permitted
from venues.plausible import plausible, services_of
from venues.protocol import Proposal, QuoteRequest, VenueGroup, VenueQuote

log = structlog.get_logger(__name__)

PATIENCE_S = 5.0
_SOME_ORDER, _FIRST = UUID(int=1), 1
# No more than a size is made with it; it makes the guard of no order.
_SOME_KEY = GuardKey(secrets.token_bytes(32))


class PreviewRoute(View):
    dex: str = Field(examples=["Meteora"])
    expected_out: str
    minimum_out: str = Field(description="The least the chain would pay out; else the swap fails.")
    expected_in: IfKnown[str] = Field(default=None, description="What it would pay for its `amountOut`.")
    maximum_in: IfKnown[str] = Field(default=None, description="The most the chain would take; else the swap fails.")


class PreviewQuote(View):
    """A venue's offer, net of its fee; or why it has none."""

    dex: str
    amount_in: IfKnown[str] = Field(default=None, description="Of an order that names its `amountOut`.")
    amount_out: IfKnown[str] = None
    fee: IfKnown[VenueFee] = None
    refusal: IfKnown[str] = Field(default=None, description="A code of docs/errors.md.")


class PreviewFees(View):
    """``network_lamports`` is without what is offered for priority, which a simulation shows. ``tip_lamports`` go to
    landers where the swap succeeds; ``guard_rent_lamports`` comes back later; ``venue`` is in the quote already.
    """

    network_lamports: str
    tip_lamports: IfKnown[str] = None
    guard_rent_lamports: str
    venue: IfKnown[VenueFee] = None


class Preview(View):
    """As of now: prices move. ``route`` is null where no venue offers what the order asks for."""

    pair: str = Field(examples=["SOL/USDC"])
    side: Side
    route: PreviewRoute | None
    quotes: list[PreviewQuote]
    fees: PreviewFees
    bytes: int | None = Field(
        description="Of the signed transaction, at most 1,232; null without a route, and for a remote venue."
    )
    refusal: ProblemDetails | None = Field(description="What the order would be answered; null: it would be taken.")


class PreviewController(Controller):
    path = "/api/orders"
    tags = ("orders",)
    opt = READ

    @post(
        "/preview",
        status_code=200,
        request_max_body_size=BODY_LIMIT,
        operation_class=ExecuteOperation,
        operation_id="previewOrder",
        summary="What an order would meet now",
        response_description="Route, quotes, fees, size, and whether it would be refused. No order is made.",
        responses=problems(
            *("invalid_json", "body_too_large", "unsupported_media_type", "unknown_token", "missing_price"),
            *("rate_limited", "chain_unknown", "price_unavailable", "log_unavailable"),
        ),
    )
    async def preview_order(
        self,
        request: Request[Any, Any, Any],
        services: InjectedServices,
        caller: InjectedCaller,
        idempotency_key: IdempotencyKey = None,
    ) -> Preview:
        """The body is that of an order. Nothing is recorded, reserved, or counted towards the rate of orders. Previews
        have a rate of their own where remote venues are asked.
        """
        document = read(await request.body(), media_type(request.headers))
        document = with_idempotency_key(document, idempotency_key)
        asked = terms(order_request(document, services.config.tokens), services.config)
        services.chain().tradable_network()
        if refused := await previewed_too_often(services, caller):
            raise refused
        answers, rent = await asyncio.gather(ask_all(services.venues, asked), _rent(services))
        halted = (await services.trading(caller.account_id)).refused_venues(asked.side)
        limits = limits_of(services, caller)
        # As an order's are: what a halted venue offers bears a quote out, too.
        judged = plausible([answer for _, answer in answers], services_of(services.venues))
        answers = [
            (group, permitted(answer, halted, limits)) for (group, _), answer in zip(answers, judged, strict=True)
        ]
        refusal = await would_be_refused(services, caller, asked)
        return await _preview(services, caller, asked, answers, rent, refusal.body() if refusal else None)


async def _preview(
    services: Services,
    caller: Caller,
    asked: OrderTerms,
    answers: Sequence[tuple[VenueGroup, VenueQuote | Refusal]],
    rent: int,
    refusal: dict[str, Any] | None,
) -> Preview:
    pair = pair_of(asked.token_in, asked.token_out)
    offers = {answer.quote: (group, answer) for group, answer in answers if isinstance(answer, VenueQuote)}
    chosen = best(list(offers))
    route, size, venue = None, None, None
    if chosen is not None and (bounds := _within(asked, chosen)):
        route = _route(asked, chosen, *bounds)
        size = await _size(services, caller, *offers[chosen], *bounds)
        venue = _fee(services, chosen.fee_token, chosen.fee_amount)
    return Preview(
        pair=pair.symbol,
        side=pair.side(asked.token_in),
        route=route,
        quotes=[_quote(services, asked, answer) for _, answer in answers],
        fees=PreviewFees(
            network_lamports=str(FEE_LAMPORTS),
            tip_lamports=_tips(services),
            guard_rent_lamports=str(rent),
            venue=venue,
        ),
        bytes=size,
        refusal=ProblemDetails.model_validate(refusal) if refusal else None,
    )


def _tips(services: Services) -> str | None:
    """What a swap tips landers, all together; None where none asks for it."""
    lamports = sum(tip.lamports for tip in services.config.tips)
    return str(lamports) if lamports else None


def _within(asked: OrderTerms, chosen: Quote) -> tuple[int, int | None] | None:
    """The least the chain would pay out for the quote, and, of an exact amount out, the most it would take; None where
    the quote isn't within them.
    """
    if asked.amount_out is None:
        least = minimum_out(chosen, asked.slippage_bps, asked.limit_minimum_out)
        return (least, None) if chosen.amount_out >= least else None
    most = maximum_in(chosen, asked.slippage_bps, asked.limit_maximum_in)
    return (asked.amount_out, most) if chosen.amount_in <= most else None


def _route(asked: OrderTerms, chosen: Quote, least: int, most: int | None) -> PreviewRoute:
    paid, got = asked.token_in.decimals, asked.token_out.decimals
    return PreviewRoute(
        dex=chosen.venue,
        expected_out=to_units(chosen.amount_out, got),
        minimum_out=to_units(least, got),
        expected_in=None if most is None else to_units(chosen.amount_in, paid),
        maximum_in=None if most is None else to_units(most, paid),
    )


async def ask_all(groups: Sequence[VenueGroup], asked: OrderTerms) -> list[tuple[VenueGroup, VenueQuote | Refusal]]:
    """What each venue answers at the order's size, within a few seconds: a quote, or why it has none."""
    mints = asked.token_in.mint, asked.token_out.mint
    request = QuoteRequest(*mints, asked.amount_in, amount_out=asked.amount_out)
    found = await asyncio.gather(*(_ask(group, request) for group in groups))
    return [(group, answer) for group, answers in zip(groups, found, strict=True) for answer in answers]


async def _ask(group: VenueGroup, request: QuoteRequest) -> Sequence[VenueQuote | Refusal]:
    if refusals := exact_out_refusals(group, request):
        return refusals
    try:
        async with asyncio.timeout(PATIENCE_S):
            [answers] = await group.quote_all([request])
            return answers
    except Exception as error:  # noqa: BLE001 - whatever a venue does, it is that venue's refusal
        log.warning("venues unavailable", venues=list(group.venues), error=type(error).__name__)
        detail = f"no answer: {type(error).__name__}"
        return [Refusal(venue=venue, code=Code.VENUE_UNAVAILABLE, detail=detail) for venue in group.venues]


async def _rent(services: Services) -> int:
    """Raises ``ProblemError`` where the chain can't be asked."""
    try:
        return await services.guard_rent()
    except ChainUnavailableError:
        raise services.ticker.unavailable() from None


async def _size(
    services: Services, caller: Caller, group: VenueGroup, offer: VenueQuote, least: int, most: int | None
) -> int | None:
    """Bytes of the transaction once it is signed: those of one alike, for it depends on no key.

    None for a venue whose transactions somebody else proposes: asking for one is a request of its own.
    """
    if group.is_remote:
        return None
    owner = await services.wallet(caller.account_id) or str(Keypair().pubkey())
    if most is None:
        proposal = await group.swap(offer, owner=owner, minimum_out=least, fits=_fits)
    else:
        proposal = await group.swap_exact_out(offer, owner=owner, maximum_in=most, amount_out=least, fits=_fits)
    message = compose(
        proposal.instructions,
        guard=_SOME_KEY.of_order(owner, _SOME_ORDER).instructions(1),
        wallet=owner,
        order_id=_SOME_ORDER,
        attempt=_FIRST,
        blockhash=str(Hash.default()),
        compute_units=MAX_COMPUTE_UNITS,
        compute_unit_price=1,
        tips=tip_transfers(services.config.tips, wallet=owner, order_id=_SOME_ORDER, attempt=_FIRST),
    )
    return signed_size(message)


async def _fits(_: Proposal) -> bool:
    return True


def _quote(services: Services, asked: OrderTerms, answer: VenueQuote | Refusal) -> PreviewQuote:
    if isinstance(answer, Refusal):
        return PreviewQuote(dex=answer.venue, refusal=answer.code)
    quote = answer.quote
    return PreviewQuote(
        dex=quote.venue,
        amount_in=None if asked.amount_out is None else to_units(quote.amount_in, asked.token_in.decimals),
        amount_out=to_units(quote.amount_out, asked.token_out.decimals),
        fee=_fee(services, quote.fee_token, quote.fee_amount),
    )


def _fee(services: Services, mint: str, amount: int) -> VenueFee | None:
    token = services.config.tokens.find(mint)
    return VenueFee(token=token.symbol, amount=to_units(amount, token.decimals)) if token else None
