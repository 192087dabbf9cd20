"""Which of the blocks that were made are on the chain: a fork drops blocks, and heights count only the others."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable


class CanonicalBlocks:
    """Blocks by number, less the dropped ones. Numbers count all blocks ever made, from 0, which is never dropped.

    A dropped block's slot has no block, as if its turn had been missed; its height goes to the next one that is made.
    """

    def __init__(self, dropped: Iterable[int] = ()) -> None:
        self._dropped = sorted(dropped)

    def drop(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            insort(self._dropped, number)

    def holds(self, number: int) -> bool:
        return self._lost_by(number) == self._lost_before(number)

    def by(self, number: int) -> int:
        """The newest block on the chain at or before ``number``."""
        while not self.holds(number):
            number -= 1
        return number

    def height(self, number: int) -> int:
        """The height of the block ``number``, or what it would be were it not dropped."""
        return number - self._lost_before(number)

    def at(self, height: int) -> int:
        """The number of the block at ``height``, whether it was made yet or not."""
        number = height
        while (further := height + self._lost_by(number)) != number:
            number = further
        return number

    def back(self, number: int, blocks: int) -> int:
        """The block that is ``blocks`` below ``number``, or the first of all."""
        return self.at(max(0, self.height(number) - blocks))

    def _lost_before(self, number: int) -> int:
        return bisect_left(self._dropped, number)

    def _lost_by(self, number: int) -> int:
        return bisect_right(self._dropped, number)
