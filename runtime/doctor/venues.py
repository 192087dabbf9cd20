"""The venues and the prices: one small quote of each, through the budget that the engine shares."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import combinations
from time import monotonic

from chains.errors import ChainUnavailableError
from domain.codes import Code
from domain.numbers import to_units
from domain.quotes import Refusal
from domain.tokens import KNOWN_TOKENS, SOL, USDC, pair_of
from runtime.doctor.finding import Finding, look, well, wrong
from runtime.price_sources import OpenPrices
from venues.feeds.agreement import AgreedPrices
from venues.prices import PoolPrices, Prices
from venues.protocol import QuoteRequest, VenueGroup

SMALL = 10_000_000
"""0.01 SOL."""
PATIENCE_S = 5.0
"""So long at most a feed is waited for."""
_AGAIN_S = 0.2
_PAIRS = [pair_of(one, other) for one, other in combinations(KNOWN_TOKENS.tokens, 2)]

_ADVICE = {
    Code.VENUE_UNAUTHORIZED: "check JUPITER_API_KEY",
    Code.VENUE_RATE_LIMITED: "wait a minute; get a greater plan; or check REDIS_URL, where requests are counted",
    Code.VENUE_UNAVAILABLE: "check its address, and whether this machine may reach it",
    Code.VENUE_ANSWER_INVALID: "check its address: something else answers there",
}
_OTHERWISE = {
    (Code.VENUE_UNAUTHORIZED, "raydium"): "it takes no key: check RAYDIUM_URL, and whether this machine may reach it",
    (Code.VENUE_RATE_LIMITED, "raydium"): "wait a minute; lower RAYDIUM_REQUESTS_PER_MINUTE; or check REDIS_URL",
    (Code.VENUE_UNAUTHORIZED, "pyth"): "check PYTH_API_KEY",
    (Code.VENUE_RATE_LIMITED, "pyth"): "wait a minute",
}
"""By the service's name, where that advice would be of no use."""
_UNTOLD = {"binance": "check BINANCE_URL, and whether this machine may reach it"}
"""Of a source that doesn't tell why it has no prices."""
_WITHOUT = "limit and stop orders wait without one"


async def look_at_venues(groups: Sequence[VenueGroup], owner: str | None) -> list[Finding]:
    return [one for group in groups for one in await _group(group, owner)]


async def _group(group: VenueGroup, owner: str | None) -> list[Finding]:
    try:
        [answers] = await group.quote_all([QuoteRequest(SOL.mint, USDC.mint, SMALL, owner)])
    except ChainUnavailableError as error:
        return [wrong("venues", f"{', '.join(group.venues) or 'pools'}: the chain can't be read: {error}", "see rpc")]
    if not answers:
        return [look("venues", "this chain has no pools that the engine knows", "name others in VENUES, as jupiter")]
    found = []
    for answer in answers:
        if isinstance(answer, Refusal):
            advice = _advice(Code(answer.code), group.service_name) or "orders go to the others meanwhile"
            found.append(wrong("venues", f"{answer.venue}: {answer.code}: {answer.detail}", advice))
        else:
            offered = to_units(answer.quote.amount_out, USDC.decimals)
            found.append(well("venues", f"{answer.quote.venue} offers {offered} USDC for 0.01 SOL"))
    return found


def _advice(code: Code, service: str | None) -> str | None:
    return _OTHERWISE.get((code, service or "")) or _ADVICE.get(code)


async def look_at_prices(prices: OpenPrices, *, patience: float = PATIENCE_S) -> list[Finding]:
    """Of each source by itself, as one that has prices would hide another that has none; then what they agree on."""
    until = monotonic() + patience
    found = await asyncio.gather(*(_source(part, until) for part in prices.parts or [prices]))
    if not prices.parts:
        return found
    # Where one has none, no more of them comes together by waiting.
    return [*found, await _agreed(prices, until if all(one.verdict == "well" for one in found) else 0.0)]


async def _source(prices: OpenPrices, until: float) -> Finding:
    name, service = prices.source.name, prices.service
    # What the chain says of its pools is all there is, and every read of them counts at the node.
    seen = await _seen(prices, 0.0 if isinstance(prices.source, PoolPrices) else until)
    if isinstance(seen, Finding):
        return seen
    if seen.pairs:
        return well("prices", f"{name} has {len(seen.pairs)} pairs")
    why = f": {service.failed}" if service and service.failed else ""
    advice = _advice(service.failed, service.name) if service and service.failed else _UNTOLD.get(name)
    return look("prices", f"{name} has a price of no pair{why}", "; ".join(filter(None, [advice, _WITHOUT])))


async def _agreed(prices: OpenPrices, until: float) -> Finding:
    name, seen = prices.source.name, await _seen(prices, until)
    if isinstance(seen, Finding):
        return seen
    apart = sorted(prices.source.disagreeing) if isinstance(prices.source, AgreedPrices) else []
    if seen.pairs and not apart:
        return well("prices", f"{name} agree on {len(seen.pairs)} pairs")
    said = f"{name} disagree on {', '.join(apart)}" if apart else f"{name} agree on no pair"
    return look("prices", said, f"PRICE_AGREEMENT_BPS is how far they may be apart; {_WITHOUT}")


async def _seen(prices: OpenPrices, until: float) -> Prices | Finding:
    """The first that has a pair, or what there is at ``until``: a socket is only being opened when it is first asked
    for, and looks then like one where nothing comes. Who has failed isn't asked again, which could be too often.
    """
    while True:
        try:
            seen = await prices.source.observe(_PAIRS)
        except ChainUnavailableError as error:
            return look("prices", f"{prices.source.name}: {error}", "waiting orders trigger by no price")
        if seen.pairs or (prices.service and prices.service.failed) or monotonic() >= until:
            return seen
        await asyncio.sleep(_AGAIN_S)
