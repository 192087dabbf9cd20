"""A few at a time, each turn of the loop: for work that many orders come to at the same instant."""

from __future__ import annotations

import asyncio

# With one the last of two hundred orders waits a tenth longer for its send; with all of them the orders of other venues
# wait twice as long as without them (the lane `remote` of the bench).
A_TURN = 4


class Turns:
    """Two hundred answers that come together are two hundred pieces of work that nothing interrupts. Between a few of
    them the loop gets to what else is due, as the orders of other venues.
    """

    def __init__(self) -> None:
        self._a_turn = asyncio.Semaphore(A_TURN)

    async def next(self) -> None:
        """Return when it is the caller's turn; it has the loop until it waits for anything."""
        async with self._a_turn:
            await asyncio.sleep(0)
