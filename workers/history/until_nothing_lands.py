"""Waiting until nothing can land any more that was signed before the wait began."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from chains.errors import ChainUnavailableError
from chains.wallet_history import Tip
from domain.evidence import BLOCKHASH_LIFE, enough
from workers.history.heights import Heights
from workers.history.reader import HistoryReader

LOOK_EVERY_S = 0.5
PATIENCE_S = 30.0

Show = Callable[[int, str], None]
"""Is told how many blocks are still to come, and by which endpoint's word."""


async def until_nothing_lands(reader: HistoryReader, show: Show) -> Mapping[str, Tip]:
    """How far the endpoints have come, finalized, once enough of them are past the life of every blockhash there was.

    Raises ``ChainUnavailableError`` where too few endpoints answer.
    """
    heights = Heights()
    while True:
        heights.take(_enough_of(reader, await reader.tips("confirmed", patience=PATIENCE_S)))
        highest, said_by = heights.highest
        tips = await finalized(reader)
        past = {name: tip for name, tip in tips.items() if tip.height > highest + BLOCKHASH_LIFE}
        if enough(len(past), reader.configured):
            return past
        show(highest + BLOCKHASH_LIFE + 1 - min(tip.height for tip in tips.values()), said_by)
        await asyncio.sleep(LOOK_EVERY_S)


async def finalized(reader: HistoryReader) -> Mapping[str, Tip]:
    """How far the endpoints have come, finalized. Raises ``ChainUnavailableError`` where too few answer."""
    return _enough_of(reader, await reader.tips("finalized", patience=PATIENCE_S))


def _enough_of(reader: HistoryReader, tips: Mapping[str, Tip]) -> Mapping[str, Tip]:
    if not enough(len(tips), reader.configured):
        raise ChainUnavailableError(
            f"{len(tips)} of {reader.configured} endpoints answer and serve the log's chain: too few"
        )
    return tips
