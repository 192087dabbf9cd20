"""What others pay for priority is a hint: a percentile of what was paid at all, and nothing where nobody can say."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from chains.errors import UnansweredError
from chains.priority_fees import PriorityFees, percentile_of
from tests.unit.chains.small_world import DESTINATION, POOLS, SOURCE, making_account, swap


@pytest.mark.parametrize(
    ("fees", "percentile", "price"),
    [
        ([], 50, 0),
        ([0, 0, 0], 50, 0),
        ([0, 0, 7], 1, 7),
        ([10, 20, 30, 40, 0, 0, 0], 50, 20),
        ([40, 30, 20, 10], 75, 30),
        ([10, 20, 30, 40], 76, 40),
        ([10, 20, 30, 40], 100, 40),
        ([10, 20, 30, 40], 25, 10),
    ],
)
def test_zeros_do_not_count(fees: list[int], percentile: int, price: int) -> None:
    assert percentile_of(fees, percentile) == price


class Node:
    def __init__(self, *fees: int, answers: bool = True) -> None:
        self.fees, self.answers = fees, answers
        self.asked: list[tuple[str, ...]] = []

    async def read(self, accounts: Sequence[str]) -> Sequence[int]:
        self.asked.append(tuple(accounts))
        if not self.answers:
            raise UnansweredError("node", "timeout")
        return self.fees


async def test_it_is_asked_for_the_accounts_that_are_written_once_for_a_while() -> None:
    node = Node(10, 20, 0)
    fees = PriorityFees(node.read, 100)
    assert [await fees.of([making_account(), swap()]) for _ in range(3)] == [20, 20, 20]
    [asked] = node.asked
    pool = POOLS["Meteora"]
    assert set(asked) == {str(SOURCE), str(DESTINATION), pool.address, *pool.vaults}
    await fees.of([swap(POOLS["Orca"])])
    assert len(node.asked) == 2


async def test_a_node_that_does_not_say_is_asked_again_and_gives_no_hint() -> None:
    node = Node(10, answers=False)
    fees = PriorityFees(node.read, 50)
    assert await fees.of([swap()]) == 0
    node.answers = True
    assert await fees.of([swap()]) == 10


async def test_nobody_is_asked_where_it_is_off() -> None:
    node = Node(10)
    assert await PriorityFees(node.read, 0).of([swap()]) == 0
    assert node.asked == []


async def test_orders_that_ask_at_the_same_time_share_one_call() -> None:
    node = Node(10, 20, 0)
    fees = PriorityFees(node.read, 100)
    assert await asyncio.gather(*(fees.of([swap()]) for _ in range(50))) == [20] * 50
    assert len(node.asked) == 1
