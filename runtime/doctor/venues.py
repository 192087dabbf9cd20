"""The venues and the prices: one small quote of each, through the budget that the engine shares."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from chains.errors import ChainUnavailableError
from domain.codes import Code
from domain.numbers import to_units
from domain.quotes import Refusal
from domain.tokens import KNOWN_TOKENS, SOL, USDC, pair_of
from runtime.doctor.finding import Finding, look, well, wrong
from venues.prices import PriceSource
from venues.protocol import QuoteRequest, VenueGroup

SMALL = 10_000_000
"""0.01 SOL."""

_ADVICE = {
    Code.VENUE_UNAUTHORIZED: "check JUPITER_API_KEY",
    Code.VENUE_RATE_LIMITED: "wait a minute; get a greater plan; or check REDIS_URL, where requests are counted",
    Code.VENUE_UNAVAILABLE: "check its address, and whether this machine may reach it",
    Code.VENUE_ANSWER_INVALID: "check its address: something else answers there",
}
_OTHERWISE = {
    (Code.VENUE_UNAUTHORIZED, "raydium"): "it takes no key: check RAYDIUM_URL, and whether this machine may reach it",
    (Code.VENUE_RATE_LIMITED, "raydium"): "wait a minute; lower RAYDIUM_REQUESTS_PER_MINUTE; or check REDIS_URL",
}
"""By the service's name, where that advice would be of no use."""


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


async def look_at_prices(source: PriceSource) -> list[Finding]:
    pairs = [pair_of(one, other) for one, other in combinations(KNOWN_TOKENS.tokens, 2)]
    try:
        seen = await source.observe(pairs)
    except ChainUnavailableError as error:
        return [look("prices", f"{source.name}: {error}", "waiting orders trigger by no price")]
    if not seen.pairs:
        return [look("prices", f"{source.name} has a price of no pair", "limit and stop orders wait without one")]
    return [well("prices", f"{source.name} has {len(seen.pairs)} pairs")]
