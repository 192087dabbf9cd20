"""Work that many come to at once leaves room for what else the loop has to do."""

from __future__ import annotations

import asyncio
import itertools

from venues.remote.turns import A_TURN, Turns

MANY = 200


async def test_between_a_few_of_many_others_get_their_turn() -> None:
    turns, done, seen = Turns(), 0, [0]

    async def work() -> None:
        nonlocal done
        await turns.next()
        done += 1

    many = asyncio.gather(*(work() for _ in range(MANY)))
    while not many.done():
        await asyncio.sleep(0)
        seen.append(done)
    await many
    assert done == MANY
    # Between two turns of anybody else's no more than so many have gone on.
    assert max(after - before for before, after in itertools.pairwise(seen)) <= A_TURN


async def test_whoever_is_cancelled_takes_no_turn_from_others() -> None:
    turns = Turns()
    gone = [asyncio.create_task(turns.next()) for _ in range(MANY)]
    await asyncio.sleep(0)
    for one in gone:
        one.cancel()
    await asyncio.gather(*gone, return_exceptions=True)
    async with asyncio.timeout(5):
        await asyncio.gather(*(turns.next() for _ in range(MANY)))
