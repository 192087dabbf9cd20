"""How high the chain is, as several endpoints show it: one alone may lag, or claim what it likes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from chains import answers
from chains.endpoint import Endpoint
from chains.errors import RpcError, UnansweredError
from domain.evidence import Commitment, enough

# For the other endpoints' heights nobody waits longer: they only make sure that the main one's is not understated.
WITHIN_S = 1.0


async def greatest(endpoints: Sequence[Endpoint]) -> tuple[int, str]:
    """The greatest confirmed block height that any of ``endpoints`` shows, the main one first, and the name of the
    first that does. Raises ``UnansweredError`` where the main one shows none.
    """
    shown = await _shown(endpoints, "confirmed")
    if shown[0] is None:
        raise UnansweredError(endpoints[0].name, "no block height")
    height = max(one for one in shown if one is not None)
    return height, endpoints[shown.index(height)].name


async def passed(endpoints: Sequence[Endpoint]) -> int:
    """The greatest finalized block height that enough of ``endpoints`` have passed. Raises ``UnansweredError``."""
    shown = sorted((one for one in await _shown(endpoints, "finalized") if one is not None), reverse=True)
    reached = (height for count, height in enumerate(shown, 1) if enough(count, len(endpoints)))
    if (height := next(reached, None)) is None:
        raise UnansweredError(endpoints[0].name, "too few endpoints show their finalized height")
    return height


async def _shown(endpoints: Sequence[Endpoint], commitment: Commitment) -> list[int | None]:
    main = endpoints[0]
    return await asyncio.gather(*(_height(one, commitment, None if one is main else WITHIN_S) for one in endpoints))


async def _height(endpoint: Endpoint, commitment: Commitment, within: float | None) -> int | None:
    try:
        async with asyncio.timeout(within):
            return int(await endpoint.call("getBlockHeight", {"commitment": commitment}, shape=answers.U64))
    except (RpcError, UnansweredError, TimeoutError):
        return None
