"""Whether blockhashes may still serve a transaction, as one endpoint knows it by itself.

Until which height one serves is said by whoever gave it; an endpoint that has the blocks knows better. It calls a
blockhash invalid that is over, and one that it hasn't come to: so the finalized state is asked, which shows what is
over for good, and the newest one, which knows what the finalized one doesn't yet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from chains import answers
from chains.endpoint import Endpoint
from domain.evidence import BLOCKHASH_LIFE


@dataclass(frozen=True, slots=True)
class Life:
    """``over``: no transaction with it is in a block after ``slot``, which is finalized, nor ever will be."""

    slot: int
    over: bool


async def lives(endpoint: Endpoint, blockhashes: Iterable[str]) -> Mapping[str, Life]:
    """Of each blockhash; two calls of one batch for each. Raises RpcError or UnansweredError."""
    each = sorted(set(blockhashes))
    return dict(zip(each, await asyncio.gather(*(_life(endpoint, one) for one in each)), strict=True))


async def _life(endpoint: Endpoint, blockhash: str) -> Life:
    finalized, newest = await asyncio.gather(
        *(
            endpoint.call("isBlockhashValid", blockhash, {"commitment": commitment}, shape=answers.VALIDITY)
            for commitment in ("finalized", "processed")
        )
    )
    slot = finalized.context.slot
    # Further apart, a blockhash may have come and gone between the two: neither knows it, and it may have served.
    close = slot <= newest.context.slot < slot + BLOCKHASH_LIFE
    return Life(slot, over=close and not (finalized.value or newest.value))
