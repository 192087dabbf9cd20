"""How high the chain is, as several endpoints show it: one alone may lag, or claim what it likes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from chains import answers
from chains.endpoint import Endpoint
from chains.errors import ChainUnavailableError, UnansweredError
from domain.evidence import Commitment, enough

# For the other endpoints' heights nobody waits longer: they only make sure that the main one's is not understated.
WITHIN_S = 1.0


async def confirmed(endpoints: Sequence[Endpoint]) -> dict[Endpoint, int]:
    """The confirmed block heights of those of ``endpoints`` that show one, the main one first.

    Raises ``ChainUnavailableError``, with what the main one says, where that shows none.
    """
    main, *others = endpoints
    asked = asyncio.gather(*(_height(one, "confirmed") for one in others))
    height, shown = await asyncio.gather(_asked(main, "confirmed"), asked)
    known = zip(others, shown, strict=True)
    return {main: height, **{other: one for other, one in known if one is not None}}


async def passed(endpoints: Sequence[Endpoint]) -> int:
    """The greatest finalized block height that enough of ``endpoints`` have passed. Raises ``UnansweredError``."""
    main, *others = endpoints
    asked = (_height(main, "finalized", within=None), *(_height(one, "finalized") for one in others))
    shown = sorted((one for one in await asyncio.gather(*asked) if one is not None), reverse=True)
    reached = (height for count, height in enumerate(shown, 1) if enough(count, len(endpoints)))
    if (height := next(reached, None)) is None:
        raise UnansweredError(endpoints[0].name, "too few endpoints show their finalized height")
    return height


async def _height(endpoint: Endpoint, commitment: Commitment, within: float | None = WITHIN_S) -> int | None:
    try:
        async with asyncio.timeout(within):
            return await _asked(endpoint, commitment)
    except (ChainUnavailableError, TimeoutError):
        return None


async def _asked(endpoint: Endpoint, commitment: Commitment) -> int:
    return int(await endpoint.call("getBlockHeight", {"commitment": commitment}, shape=answers.U64))
