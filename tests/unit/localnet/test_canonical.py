"""Heights and numbers of blocks when some were dropped, against counting them one by one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from localnet.canonical import CanonicalBlocks

some = st.sets(st.integers(1, 60), max_size=40)


@given(some)
def test_heights_count_the_blocks_that_are_left(dropped: set[int]) -> None:
    blocks = CanonicalBlocks(dropped)
    left = [number for number in range(100) if number not in dropped]
    assert [number for number in range(100) if blocks.holds(number)] == left
    assert [blocks.at(height) for height in range(len(left))] == left
    assert [blocks.height(number) for number in left] == list(range(len(left)))


@given(some, st.integers(0, 99), st.integers(0, 40))
def test_going_back_passes_over_what_was_dropped(dropped: set[int], number: int, far: int) -> None:
    blocks = CanonicalBlocks()
    blocks.drop(dropped)
    left = [one for one in range(100) if one not in dropped]
    newest = blocks.by(number)
    assert newest == max(one for one in left if one <= number)
    assert blocks.back(newest, far) == left[max(0, left.index(newest) - far)]
