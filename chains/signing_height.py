"""The height that a blockhash is signed at: the greatest that any endpoint shows, and where one alone overstates it,
the greatest of those that know the blockhash.

A height that is too low would let a transaction be called over that may land yet, so none is left out lightly: two
others, at least, agree with the blockhash's life, and each knows it as valid before it is asked for its height. One of
two is honest, and that one's height is not below the blockhash's block, whoever else lies, and one that lags doesn't
know it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import structlog

from chains import answers, heights
from chains.endpoint import Endpoint
from chains.errors import RpcError, UnansweredError
from domain.evidence import BLOCKHASH_LIFE, enough

log = structlog.get_logger(__name__)

LIFE_TOLERANCE = BLOCKHASH_LIFE // 2
"""How far a blockhash's life may be from the 150 blocks that it is: endpoints are a few blocks apart."""


class SigningHeight:
    """Of ``endpoints``, the main one first, which gives the blockhashes."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self._endpoints = endpoints
        self._overstated: frozenset[Endpoint] = frozenset()
        self.problem: str | None = None
        """What readiness says of an endpoint that isn't believed; None while all agree, or nothing may be signed."""

    async def of(self, latest: answers.LatestBlockhash, shown: Mapping[Endpoint, int]) -> int:
        """The height to sign ``latest`` at, where the endpoints have ``shown`` theirs.

        Raises UnansweredError where that isn't about 150 blocks before its end, and too few bear out that it is.
        """
        until = latest.last_valid_block_height
        greatest = max(shown.values())
        if _agrees(until, greatest):
            self._disbelieve({}, shown)
            return greatest
        overstated = {one: at for one, at in shown.items() if at + BLOCKHASH_LIFE - until > LIFE_TOLERANCE}
        others = [one for one, at in shown.items() if _agrees(until, at)]
        if len(others) > len(overstated):
            known = [one for one in await asyncio.gather(*(_height(one, latest) for one in others)) if one is not None]
            if len(known) > 1 and enough(len(known), len(self._endpoints)) and _agrees(until, max(known)):
                self._disbelieve(overstated, shown)
                return max(known)
        self._disbelieve({}, shown)
        (low, least), (high, most) = (pick(shown.items(), key=lambda one: one[1]) for pick in (min, max))
        beside = f", {low.name} {least}" if most - least > LIFE_TOLERANCE else ""
        said = f"a blockhash valid until {until}, and {high.name} shows the height {most}{beside}"
        raise UnansweredError(self._endpoints[0].name, said)

    def _disbelieve(self, overstated: Mapping[Endpoint, int], shown: Mapping[Endpoint, int]) -> None:
        others = max((height for one, height in shown.items() if one not in overstated), default=0)
        said = [f"{one.name} shows the height {height}, and others {others}" for one, height in overstated.items()]
        self.problem = f"{'; '.join(said)}: it isn't believed" if said else None
        for one in overstated.keys() - self._overstated:
            log.warning("a height isn't believed", endpoint=one.name, height=overstated[one], others=others)
        for one in self._overstated - overstated.keys():
            log.info("a height is believed again", endpoint=one.name, height=shown.get(one))
        self._overstated = frozenset(overstated)


def _agrees(last_valid: int, height: int) -> bool:
    return abs(last_valid - height - BLOCKHASH_LIFE) <= LIFE_TOLERANCE


async def _height(endpoint: Endpoint, latest: answers.LatestBlockhash) -> int | None:
    """The endpoint's height after it has called the blockhash valid: in its newest state, which the confirmed one of
    another may be ahead of. None where it doesn't.
    """
    newest = {"commitment": "processed"}
    try:
        async with asyncio.timeout(heights.WITHIN_S):
            life = await endpoint.call("isBlockhashValid", latest.blockhash, newest, shape=answers.VALIDITY)
            if not life.value:
                return None
            return int(await endpoint.call("getBlockHeight", newest, shape=answers.U64))
    except (RpcError, UnansweredError, TimeoutError):
        return None
